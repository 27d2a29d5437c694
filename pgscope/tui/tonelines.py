"""Lines of toned text that change with every snapshot: only those that differ are drawn, and cheaply."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual

from pgscope.tui.keptlines import KeptLines
from pgscope.tui.table import Tone
from pgscope.tui.table.glyphs import terminal_glyphs
from pgscope.tui.table.text import fit
from pgscope.tui.tones import styled

Run = tuple[str, Tone]
"""Text of one tone."""
Runs = Sequence[Run]


def cells(runs: Runs) -> int:
    """How wide they are on the screen."""
    return sum(cell_len(text) for text, _ in runs)


class ToneLines(KeptLines):
    """Draws as many lines as it is given. Textual's own way from text with styles to the screen takes longer
    than a table of sessions does.
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[list[Run]] = []
        self._palette: dict[Tone, Style] = {}

    def show_lines(self, lines: Sequence[Runs]) -> None:
        """Show these, each cut where there is no more room."""
        before, self._lines = self._lines, [list(line) for line in lines]
        if len(before) != len(lines):
            self.refresh()
            return
        width = self.content_size.width
        changed = [y for y, line in enumerate(self._lines) if line != before[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """A line as it is now."""
        width = self.content_size.width
        if y >= len(self._lines):
            return Strip.blank(width, self._style("normal"))
        segments = []
        room = width
        for tone, same in groupby(self._lines[y], key=itemgetter(1)):
            text = "".join(part for part, _ in same)
            if (used := cell_len(text)) > room:
                glyphs = terminal_glyphs()
                cut = fit(text, room, "left", glyphs.ellipsis, glyphs.ascii_only) if room else ""
                text, used = cut, room
            if text:
                segments.append(Segment(text, self._style(tone)))
            room -= used
        return Strip(segments, width - room)

    def _style(self, tone: Tone) -> Style:
        """The style of a tone as Textual makes it, worked out once."""
        if tone not in self._palette:
            strips = Visual.to_strips(self, styled("x", tone), 1, 1, self.visual_style)
            self._palette[tone] = next(iter(strips[0])).style or Style()
        return self._palette[tone]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()

    def render(self) -> Any:
        """Nothing: it is drawn line by line."""
        return Content("")
