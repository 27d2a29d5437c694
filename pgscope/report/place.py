"""A place in a statement, shown as its line with a caret under it."""

from __future__ import annotations

from rich.cells import cell_len

from pgscope.text import clean

_BEFORE = 50


def pointed(text: str, position: int | None, width: int = 76) -> list[str]:
    """The line that a position (characters, from 0) is in, and a caret under it; nothing for no place."""
    if position is None or not 0 <= position <= len(text):
        return []
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    before = min(_BEFORE, max(width // 2, 0))
    first = max(position - start - before, 0)
    shown = clean(line[first : first + max(width, before + 1)], lines=False)
    lead = clean(line[first : position - start], lines=False)
    return [shown, " " * cell_len(lead) + "^"]
