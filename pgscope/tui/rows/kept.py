"""Rows from snapshot to snapshot: most of thousands are about objects that did not change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pgscope.tui.table import Row

T = TypeVar("T")
_MANY = 50
"""Objects that are others than before at their places, from which on they are looked for at other places."""


def as_made(
    before: Sequence[T], rows: Sequence[Row], now: Sequence[T], make: Callable[[T], Row]
) -> list[Row]:
    """A row for each of `now`: for an object of `before` its row among `rows`, for others a row made."""
    made: list[Row | None]
    if len(before) == len(now):
        made = list(rows)
        changed = [n for n, (old, new) in enumerate(zip(before, now, strict=True)) if old is not new]
    else:
        made, changed = [None] * len(now), list(range(len(now)))
    known: dict[int, Row] = {}
    if len(changed) > _MANY:
        # Some came or went, so that others moved. An id is an object's own while it lives, and these do.
        known = dict(zip(map(id, before), rows, strict=True))
    for n in changed:
        made[n] = known.get(id(now[n])) or make(now[n])
    return made  # type: ignore[return-value]  # none is left out
