"""Symbols of one cell that stand beside words, in Unicode and in ASCII; text for terminals without UTF-8."""

from __future__ import annotations

import sys

from pgscope.dataclass import dataclass
from pgscope.text import clean
from pgscope.tui.table.glyphs import glyphs_for


@dataclass(frozen=True, slots=True)
class Signs:
    """Never the only sign of anything: each stands beside a word or a number that says it too."""

    waiting: str
    blocking: str
    finding: str
    idle_in_transaction: str
    up: str
    lost: str
    paused: str
    notice: str
    crumb: str
    dash: str
    about: str
    """Before a number that rests on sampling."""
    ascii_only: bool
    queued: str = "◇"
    """Waits only because of its place in a queue."""
    cycle: str = "∞"

    def text(self, text: str) -> str:
        """Text as this terminal can show it, and nothing that it would obey: recordings are anyone's."""
        return self._told(clean(text))

    def line(self, text: str) -> str:
        """The same on one line: what would break it is shown as a picture."""
        return self._told(clean(text, lines=False))

    def _told(self, text: str) -> str:
        return text.encode("ascii", "replace").decode("ascii") if self.ascii_only else text


UNICODE = Signs("◆", "■", "▲", "◌", "●", "✗", "‖", "!", "›", "–", "~", False)
ASCII = Signs("*", "#", "^", "o", "+", "x", "=", "!", ">", "-", "~", True, ".", "@")


def signs_for(encoding: str | None) -> Signs:
    """The symbols that an output encoding can show."""
    return ASCII if glyphs_for(encoding).ascii_only else UNICODE


def terminal_signs() -> Signs:
    """The symbols for this process's terminal. Textual draws on standard error."""
    return signs_for(getattr(sys.__stderr__, "encoding", None))
