"""Which columns a table shows, in which order and how wide: as the file has them, `"app"` or `"app:24"`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

WIDEST = 400
"""Cells."""


class ColumnChoice(NamedTuple):
    """One column that someone wants to see; without a width it is as wide as it likes to be."""

    key: str
    width: int | None = None

    def __str__(self) -> str:
        return self.key if self.width is None else f"{self.key}:{self.width}"


def column_choice(text: str) -> ColumnChoice:
    """Read `key` or `key:width`. Raises ValueError."""
    match = re.fullmatch(r"([a-z_%/]+)(?::(\d{1,3}))?", text.strip())
    if match is None or (match[2] is not None and not 1 <= int(match[2]) <= WIDEST):
        raise ValueError(f"{text!r} is not a column: name one, with a width in cells if you like: app:24")
    return ColumnChoice(match[1], int(match[2]) if match[2] is not None else None)


def column_choices(texts: Iterable[str]) -> tuple[ColumnChoice, ...]:
    """Read several, each column once. Raises ValueError."""
    chosen = tuple(column_choice(text) for text in texts)
    keys = [one.key for one in chosen]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"{key!r} is there twice")
    return chosen
