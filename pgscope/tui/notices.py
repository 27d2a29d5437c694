"""What is missing or wrong: a line under the header, and in full on a screen; what is said in passing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pgscope.tui.glyphs import Signs
from pgscope.tui.keptlines import KeptLines
from pgscope.tui.tones import cut, styled

SHOWN_FOR = 4.0
"""Seconds that something said in passing stays, at the most: a key takes it away."""
TOASTS = """
Toast {
    width: auto; max-width: 100%; height: auto; max-height: 2; margin: 0; padding: 0 1;
}
"""
_BEGINNING = 40


def _more(signs: Signs) -> str:
    return "..." if signs.ascii_only else "…"


def in_two_lines(message: str, width: int, signs: Signs) -> str:
    """As much of a message as two lines of the screen hold, for certain; `n` shows all of it."""
    line = " ".join(signs.text(message).split())
    room = max(2 * width - 30, 20)  # words wrap, and there is a border
    return line if len(line) <= room else line[: room - 12] + f"{_more(signs)} (n: in full)"


def beginning(text: str, signs: Signs) -> str:
    """The beginning of a text, in quotes."""
    line = " ".join(signs.text(text[:2000]).split())
    return f'"{line}"' if len(line) <= _BEGINNING else f'"{line[:_BEGINNING]}{_more(signs)}"'


class NoticeLine(KeptLines):
    """The worst notice on one line; not there while there is none."""

    DEFAULT_CSS: ClassVar[str] = """
    NoticeLine { height: 1; background: $background; padding: 0 1; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._notices: tuple[str, ...] = ()
        self._signs: Signs | None = None

    def show(self, notices: tuple[str, ...], signs: Signs) -> None:
        """Show what is missing."""
        if notices != self._notices:
            self._notices, self._signs = notices, signs
            self.display = bool(notices)
            self.refresh()

    def render(self) -> Content:
        if not self._notices or self._signs is None:
            return Content("")
        more = f"  (n: all {len(self._notices)})" if len(self._notices) > 1 else "  (n: in full)"
        width = self.content_size.width
        text = styled(f"{self._signs.notice} {self._signs.text(self._notices[0])}", "warn")
        if text.cell_length <= width and len(self._notices) == 1:
            return text
        return Content.assemble(cut(text, width - len(more)), styled(more, "muted"))


class NoticesScreen(ModalScreen[None]):
    """All notices in full, and what was said lately. Escape goes back."""

    DEFAULT_CSS: ClassVar[str] = """
    NoticesScreen { align: center middle; background: $background 60%; }
    NoticesScreen > VerticalScroll {
        width: 90%; max-width: 110; height: auto; max-height: 80%;
        background: $surface; padding: 1 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,n,enter", "dismiss", "Back", tooltip="Back to the view", id="notices.back"),
    ]

    def __init__(
        self, notices: Callable[[], Sequence[str]], said: Callable[[], Sequence[str]], signs: Signs
    ) -> None:
        """Both are asked again at each `paint`."""
        super().__init__()
        self._notices = notices
        self._said = said
        self._signs = signs
        self._shown: object = None

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static()

    def on_mount(self) -> None:
        self.paint()

    def paint(self) -> None:
        """Bring it up to what holds now."""
        wanted = (tuple(self._notices()), tuple(self._said()))
        if wanted != self._shown and self.query(Static):
            self._shown = wanted
            self.query_one(Static).update(self._content(*wanted))

    def _content(self, notices: Sequence[str], said: Sequence[str]) -> Content:
        text = self._signs.text
        lines = [Content(f"{self._signs.notice} {text(notice)}\n") for notice in notices]
        if not notices:
            lines.append(Content("Nothing is missing."))
        if said:
            lines.append(styled("Said lately, the newest first", "heading"))
        lines += [Content(text(message)) for message in reversed(said)]
        return Content("\n").join(lines)
