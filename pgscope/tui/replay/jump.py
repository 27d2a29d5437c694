"""Asks for the time to jump to."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pgscope.playback import Playing
from pgscope.report.times import moment
from pgscope.tui.replay.timebar import clock


class JumpScreen(ModalScreen["float | None"]):
    """Dismissed with a time in epoch seconds, or None."""

    DEFAULT_CSS: ClassVar[str] = """
    JumpScreen { align: center middle; background: $background 60%; }
    JumpScreen > Vertical { width: 70; max-width: 96%; height: auto; background: $surface; padding: 1 2; }
    JumpScreen Input { height: 1; border: none; padding: 0; background: $panel; }
    JumpScreen #jump-trouble { color: $text-error; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", tooltip="Stay where it is", id="jump.back"),
    ]

    def __init__(self, state: Playing) -> None:
        super().__init__()
        self._state = state

    def compose(self) -> ComposeResult:
        span = self._state.end - self._state.start
        extent = f"{clock(self._state.start, span)} to {clock(self._state.end, span)}"
        with Vertical():
            yield Static(f"Go to: 03:10, 2026-11-22 03:10, -10m, +90s ({extent})", markup=False)
            yield Input(compact=True, id="jump-time")
            yield Static("", id="jump-trouble", markup=False)

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss(moment(event.value, self._state.start, self._state.end))
        except ValueError as error:
            self.query_one("#jump-trouble", Static).update(str(error))
