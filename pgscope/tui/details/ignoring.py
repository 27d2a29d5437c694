"""Asks how long a finding is to be ignored: for good and everywhere, or for this run."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pgscope.analysis.findings import Finding
from pgscope.config import config_path
from pgscope.tui.frame import Frame
from pgscope.tui.glyphs import Signs
from pgscope.tui.keyline import KeyLine
from pgscope.tui.rows.findings import note_of, who, word_of
from pgscope.tui.tones import styled

Answer = Literal["good", "run"]


class IgnoreScreen(ModalScreen[Answer | None]):
    """The question. It gives the answer, None if the finding is to stay."""

    DEFAULT_CSS: ClassVar[str] = """
    IgnoreScreen { align: center middle; background: $background 30%; }
    IgnoreScreen > Vertical {
        width: 92%; max-width: 84; height: auto; background: $surface; padding: 1 2 0 2;
    }
    IgnoreScreen Static { height: auto; margin-bottom: 1; }
    IgnoreScreen KeyLine { dock: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y",
            "answer('good')",
            "For good",
            tooltip="Ignore it for good, on every server",
            id="ignore.good",
        ),
        Binding(
            "s",
            "answer('run')",
            "This run",
            tooltip="Ignore it until pgscope is quit",
            id="ignore.run",
        ),
        Binding("escape,n,q", "leave", "Leave it", tooltip="Go on showing it", id="ignore.leave"),
    ]

    def __init__(self, name: str, signs: Signs) -> None:
        super().__init__()
        self._finding = name
        self._signs = signs

    def compose(self) -> ComposeResult:
        text = self._signs.text
        with Vertical():
            yield Static(
                Content.assemble(
                    styled("Ignore ", "heading"),
                    styled(text(self._finding), "bad"),
                    styled("?", "heading"),
                )
            )
            yield Static(
                Content(
                    "y: for good, on every server with these statements; kept in\n"
                    + text(f"   {config_path()}\n")
                    + "s: for this run only\nu takes either back, I lists what is ignored."
                )
            )
            yield KeyLine()

    def action_answer(self, answer: Answer) -> None:
        """Ignore it for that long."""
        self.dismiss(answer)

    def action_leave(self) -> None:
        """Go on showing it."""
        self.dismiss(None)


def ask_to_ignore(screen: Frame, finding: Finding, *, then_leave: bool = False) -> None:
    """Ask whether to ignore a finding, do it, and say how to take that back."""
    name = f"{word_of(finding)} of {who(finding) or finding.user}"
    answered = partial(_answered, screen, finding, name, then_leave)
    screen.app.push_screen(IgnoreScreen(name, screen.stage.status.signs), answered)


def _answered(screen: Frame, finding: Finding, name: str, then_leave: bool, answer: Answer | None) -> None:
    if answer is None:
        return
    for_good = answer == "good"
    stage = screen.stage
    stage.ignore(finding.fingerprint, note_of(finding, stage.snapshot.at), for_good=for_good)
    text = f"Ignored {'for good' if for_good else 'for this run'}: {name}. u: undo, I: list"
    screen.notify(stage.status.signs.text(text))
    if then_leave:
        screen.dismiss()
