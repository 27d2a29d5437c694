"""What is missing or wrong: one line under the header, and all of it on a screen of its own."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from pgscope.tui.glyphs import Signs
from pgscope.tui.tones import styled


class NoticeLine(Widget):
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
        return Content.assemble(text.truncate(width - len(more), ellipsis=True), styled(more, "muted"))


class NoticesScreen(ModalScreen[None]):
    """All notices in full. Escape goes back."""

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

    def __init__(self, notices: tuple[str, ...], signs: Signs) -> None:
        super().__init__()
        self._notices = notices
        self._signs = signs

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            if not self._notices:
                yield Static(Content("Nothing is missing."))
            for notice in self._notices:
                line = f"{self._signs.notice} {self._signs.text(notice)}\n"
                yield Static(Content(line))
