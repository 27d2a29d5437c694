"""The table's keys. Every binding has an id, so that it can be remapped."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding


def _key(keys: str, action: str, description: str, tooltip: str, name: str, show: bool = False) -> Binding:
    return Binding(keys, action, description, show=show, tooltip=tooltip, id=f"table.{name}")


BINDINGS: Final = (
    _key("up,k", "cursor(-1)", "Up", "Move the cursor up", "up"),
    _key("down,j", "cursor(1)", "Down", "Move the cursor down", "down"),
    _key("pageup", "page(-1)", "Page up", "Move the cursor one screen up", "page_up"),
    _key("pagedown", "page(1)", "Page down", "Move the cursor one screen down", "page_down"),
    _key("home,g", "home", "Top", "Go to the top row and stay at the top", "home"),
    _key("end,G", "end", "Bottom", "Go to the last row", "end"),
    _key("left,h", "sideways(-1)", "Columns left", "Scroll the columns to the left", "left"),
    _key("right,l", "sideways(1)", "Columns right", "Scroll to the columns that did not fit", "right"),
    _key("enter", "open", "Open", "Open the row under the cursor", "open", show=True),
    _key("s", "sort_next", "Sort", "Sort by the next column", "sort", show=True),
    _key("S", "sort_reverse", "Reverse", "Turn the sort order round", "sort_reverse"),
)
