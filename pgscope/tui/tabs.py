"""The line under the header: the views by number, or the way to where one has drilled; and a remark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message

from pgscope.tui.keptlines import KeptLines
from pgscope.tui.tones import cut, styled


class TabLine(KeptLines):
    """Shows where one is. A click on a view asks for it."""

    DEFAULT_CSS: ClassVar[str] = """
    TabLine { height: 1; background: $background; color: $foreground; padding: 0 1; }
    """

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, view: str) -> None:
            self.view = view
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._tabs: Sequence[tuple[str, str, str]] = ()
        self._current = ""
        self._crumbs: tuple[str, ...] = ()
        self._remark = self._filter = Content("")
        self._crumb = ">"
        self._extents: list[tuple[int, int, str]] = []

    def set_tabs(self, tabs: Sequence[tuple[str, str, str]], current: str) -> None:
        """Show views as (id, key, title), one of them the current."""
        if (tabs, current) != (self._tabs, self._current):
            self._tabs, self._current = tabs, current
            self.refresh()

    def set_crumbs(self, crumbs: tuple[str, ...], sign: str) -> None:
        """Show the way here instead."""
        if crumbs != self._crumbs:
            self._crumbs, self._crumb = crumbs, sign
            self.refresh()

    def set_remark(self, remark: Content, filtered: Content) -> None:
        """Show this at the right, and the filter in force, which is the last to be cut."""
        for name, text in (("_remark", remark), ("_filter", filtered)):
            before: Content = getattr(self, name)
            if text != before or text.spans != before.spans:
                setattr(self, name, text)
                self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        for start, end, view in self._extents if offset is not None else ():
            if offset is not None and start <= offset.x < end:
                self.post_message(self.Chosen(view))

    def render(self) -> Content:
        width = self.content_size.width
        self._extents = []
        asked = self._filter.cell_length + 2 if self._filter else 0
        left = self._way(width, asked) if self._crumbs else self._views(width, asked)
        remark = self._right(max(0, width - left.cell_length - 2))
        gap = max(0, width - left.cell_length - remark.cell_length)
        return cut(Content.assemble(left, " " * gap, remark), width)

    def _right(self, room: int) -> Content:
        """The remark, as far as the filter leaves room for it, and the filter."""
        if not self._filter:
            return _whole_words(self._remark, room)
        rest = room - self._filter.cell_length - 2
        if rest < min(_LEAST, self._remark.cell_length) or not self._remark:
            return cut(self._filter, room)
        return Content.assemble(_whole_words(self._remark, rest), "  ", self._filter)

    def _way(self, width: int, asked: int) -> Content:
        parts = [styled(crumb, "muted") for crumb in self._crumbs[:-1]]
        parts.append(styled(self._crumbs[-1], "heading"))
        way = styled(f" {self._crumb} ", "muted").join(parts)
        return cut(way, width - min(asked, 2 * width // 3)) if asked else way

    def _views(self, width: int, asked: int) -> Content:
        """All titles if there is room; else short ones for the others, for as many as there is room.

        `asked` cells are for the filter: for it even the other views' numbers give way.
        """
        remark = self._remark.cell_length
        told = min(remark + 2 if remark else 0, width // 3 if not asked else _LEAST + 2)
        titles = self._titles(width - asked - told)
        if asked and self._cells(titles) > width - asked - told:
            titles = [title if view == self._current else None for view, _, title in self._tabs]
        parts: list[Content] = []
        x = 0
        for (view, key, _), title in zip(self._tabs, titles, strict=True):
            current = view == self._current
            text = _tab(key, title) if title is not None else ""
            style = "reverse bold" if current else ""
            parts.append(Content.styled(text, style) if style else Content(text))
            self._extents.append((x, x + len(text), view))
            x += len(text)
        return Content("").join(parts)

    def _titles(self, room: int) -> list[str | None]:
        whole: list[str | None] = [title for _, _, title in self._tabs]
        if self._cells(whole) <= room:
            return whole
        for short in (_SHORT, _SHORTEST):
            cut: list[str | None] = [
                title if view == self._current else short.get(view, title) for view, _, title in self._tabs
            ]
            if self._cells(cut) <= room:
                return cut
        titles: list[str | None] = [title if view == self._current else "" for view, _, title in self._tabs]
        for n, (view, _, title) in enumerate(self._tabs):
            more = [*titles[:n], _SHORTEST.get(view, title), *titles[n + 1 :]]
            if not titles[n] and self._cells(more) <= room:
                titles = more
        return titles

    def _cells(self, titles: Sequence[str | None]) -> int:
        pairs = zip(self._tabs, titles, strict=True)
        return sum(len(_tab(key, title)) for (_, key, _), title in pairs if title is not None)


_LEAST = 10
"""Cells of a remark that still say something, such as how many rows of how many there are."""
_SHORT = {"applications": "Apps", "sessions": "Sess", "statements": "Stmt", "findings": "Find"}
_SHORTEST = {**_SHORT, "locks": "Lock", "plans": "Plan"}
"""Titles of views where not all have room; those that are not here are short."""


def _whole_words(remark: Content, room: int) -> Content:
    """The remark cut to the room; of its last words no less than says something is left."""
    end = remark.plain.rfind("  ", 0, room + 1)
    if remark.cell_length > room and end > 0 and room - end - 2 < _LEAST:
        return remark.truncate(end)
    return cut(remark, room)


def _tab(key: str, title: str) -> str:
    return f" {key} {title} " if title else f" {key} "
