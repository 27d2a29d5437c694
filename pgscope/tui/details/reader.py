"""Facts and a statement's text to read, with scroll keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pgscope.tui.facts import Fact, Hanging, flow


class Reader(VerticalScroll, can_focus=True):
    """Scrolls by lines and pages."""

    DEFAULT_CSS = """
    Reader { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; background: $background; }
    Reader:focus { background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k,up", "scroll_up", "Up", tooltip="Scroll up", id="reader.up", show=False),
        Binding("j,down", "scroll_down", "Down", tooltip="Scroll down", id="reader.down", show=False),
        Binding("g,home", "scroll_home", "Top", tooltip="Go to the top", id="reader.home", show=False),
        Binding("G,end", "scroll_end", "End", tooltip="Go to the end", id="reader.end", show=False),
    ]


Group: TypeAlias = "Sequence[Fact] | Hanging | Content"
"""Facts that flow, a label with text beside it, or lines as they are."""


def _lines(group: Group, width: int) -> Content:
    if isinstance(group, Content):
        return group
    return group.content(width) if isinstance(group, Hanging) else flow(group, width)


class FactBlock(Static):
    """Groups of facts, each group from a new line; an empty line between groups of different title."""

    DEFAULT_CSS = """
    FactBlock { height: auto; width: 100%; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._groups: Sequence[Group] = ()
        self._drawn = Content("")

    def show_facts(self, groups: Sequence[Group]) -> None:
        """Show these, each from a new line."""
        self._groups = groups
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = max(10, self.content_size.width or self.app.size.width - 3)
        lines = [_lines(group, width) for group in self._groups]
        content = Content("\n").join(lines)
        if content != self._drawn or content.spans != self._drawn.spans:
            # A number that changed in place needs no new layout.
            same = content.plain.count("\n") == self._drawn.plain.count("\n")
            self._drawn = content
            self.update(content, layout=not same)
