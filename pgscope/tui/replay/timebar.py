"""The time bar: where in the past one is, and the moments worth jumping to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from pgscope.tui.glyphs import Signs
from pgscope.tui.table import Tone
from pgscope.tui.tones import styled

if TYPE_CHECKING:
    from pgscope.playback import Playing


def clock(at: float, span: float) -> str:
    """A time of day; with the date where the span is longer than one."""
    return time.strftime("%m-%d %H:%M:%S" if span > 86400.0 else "%H:%M:%S", time.localtime(at))


def bar(state: Playing, signs: Signs, width: int) -> list[tuple[str, Tone]]:
    """The bar itself: a character and a tone for each of its cells."""
    span = max(state.end - state.start, 1e-9)

    def cell(at: float) -> int:
        return min(max(int((at - state.start) / span * width), 0), width - 1)

    cells: list[tuple[str, Tone]] = [("-" if signs.ascii_only else "─", "muted")] * width
    for mark in state.marks:
        if mark.kind == "lock wait":
            cells[cell(mark.at)] = (signs.waiting, "bad")
    for mark in state.marks:
        if mark.kind == "finding":
            cells[cell(mark.at)] = (signs.finding, "warn")
    cells[cell(state.at)] = ("O" if signs.ascii_only else "█", "accent")
    return cells


class TimeBar(Widget):
    """One line; not there while the present is shown. A click asks for a moment."""

    DEFAULT_CSS: ClassVar[str] = """
    TimeBar { height: 1; background: $surface; padding: 0 1; display: none; }
    """

    class Chosen(Message):
        """A moment was clicked, in epoch seconds."""

        def __init__(self, at: float) -> None:
            self.at = at
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._state: Playing | None = None
        self._signs: Signs | None = None
        self._extent = (0, 1)

    def show(self, state: Playing | None, signs: Signs) -> None:
        """Show where the player is; nothing for None."""
        if state != self._state:
            self._state, self._signs = state, signs
            self.display = state is not None
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        begin, width = self._extent
        if self._state is not None and offset is not None and begin <= offset.x < begin + width:
            part = (offset.x - begin) / max(width - 1, 1)
            self.post_message(self.Chosen(self._state.start + part * (self._state.end - self._state.start)))

    def render(self) -> Content:
        state, signs = self._state, self._signs
        if state is None or signs is None:
            return Content("")
        span = state.end - state.start
        word = f"{signs.crumb} {state.speed:g}x" if state.playing else f"{signs.paused} paused"
        if state.busy:
            word = state.busy
        left = f"{word}  {clock(state.at, span)} "
        right = f" {clock(state.end, span)}"
        width = max(self.content_size.width - len(left) - len(right), 5)
        self._extent = (len(left), width)
        parts = [styled(left, "heading")]
        parts += [styled(char, tone) for char, tone in bar(state, signs, width)]
        parts.append(styled(right, "muted"))
        return Content("").join(parts).truncate(self.content_size.width)
