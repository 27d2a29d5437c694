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
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual

from pgscope.text import clean
from pgscope.tui.keptlines import KeptLines
from pgscope.tui.strips import PassingStrip
from pgscope.tui.table.glyphs import terminal_glyphs
from pgscope.tui.table.styles import filtered
from pgscope.tui.table.text import fit
from pgscope.tui.tones import content_style

Run = tuple[str, str]
"""Text, and its tone or a style as Textual writes it."""
Runs = Sequence[Run]


def cells(runs: Runs) -> int:
    """How wide they are on the screen."""
    return sum(cell_len(text) for text, _ in runs)


def cut_runs(runs: Runs, width: int) -> list[Run]:
    """As much of them as so many cells hold, each run of one tone; that there is more is said by a sign.

    What a terminal would obey is shown as a picture, for nothing stands between these lines and the terminal.
    """
    made: list[Run] = []
    pieces = [
        (_harmless("".join(part for part, _ in same)), tone) for tone, same in groupby(runs, itemgetter(1))
    ]
    room = width
    for n, (text, tone) in enumerate(pieces):
        used = cell_len(text)
        if used > room or (used == room and any(more.strip() for more, _ in pieces[n + 1 :])):
            if room:
                glyphs = terminal_glyphs()
                # Longer than the room, also if it is only what follows that is left out.
                text = fit(f"{text} .", room, "left", glyphs.ellipsis, glyphs.ascii_only)
                made.append((text, tone))
            break
        if text:
            made.append((text, tone))
        room -= used
    return made


def _harmless(text: str) -> str:
    return text if text.isprintable() else clean(text, lines=False)


class ToneLines(KeptLines):
    """Draws as many lines as it is given; of its styles it may have a background and a padding.

    Textual's own way from text with styles to the screen takes longer than a table of sessions does.
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[list[Run]] = []
        self._made_for: Size | None = None
        self._palette: dict[str, Style] = {}

    def lines(self, width: int, height: int) -> Sequence[Runs]:
        """What it says now, for so many lines of so many cells: see `cut_runs`. A subclass gives it."""
        raise NotImplementedError

    def changed(self) -> None:
        """It may say something else now: have the lines drawn that do."""
        size = self.content_size
        if size != self._made_for or not size:
            self._made_for = None
            self.refresh()
            return
        before = self._lines
        self._make(size)
        if len(before) != len(self._lines):
            self.refresh()
        elif others := [y for y, line in enumerate(self._lines) if line != before[y]]:
            self.refresh(*(Region(0, y, size.width, 1) for y in others))

    def _make(self, size: Size) -> None:
        self._lines = [list(line) for line in self.lines(*size)] if size else []
        self._made_for = size

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in `crop`: those of the last time if nothing changed since."""
        if self._made_for != self.content_size:
            # Where it gets another size, or is shown again, Textual draws it before it tells it so.
            self._make(self.content_size)
            self._kept = None
        return super().render_lines(crop)

    def draw_lines(self, crop: Region) -> list[Strip]:
        """The lines in `crop` as they are now."""
        strips: list[Strip] = [self._whole(y) for y in crop.line_range]
        if crop.column_span != (0, self.outer_size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _whole(self, y: int) -> PassingStrip:
        """A line of the widget, with its padding."""
        padding, width = self.styles.padding, self.outer_size.width
        y -= padding.top
        runs = self._lines[y] if 0 <= y < len(self._lines) else ()
        inner = [(" " * padding.left, "normal"), *runs]
        segments = [Segment(text, self._style(tone)) for text, tone in inner if text]
        if (rest := width - cells(inner)) > 0:
            segments.append(Segment(" " * rest, self._style("normal")))
        return PassingStrip(segments, width)

    def _style(self, tone: str) -> Style:
        """The style of a tone as Textual makes it, worked out once."""
        if tone not in self._palette:
            text = Content.styled("x", content_style(tone))
            strips = Visual.to_strips(self, text, 1, 1, self.visual_style)
            self._palette[tone] = filtered(self, next(iter(strips[0])).style or Style())
        return self._palette[tone]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.clear()

    def render(self) -> Any:
        """Nothing: it is drawn line by line."""
        return Content("")
