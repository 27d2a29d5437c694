"""Rows stay in the order in which they were seen for a moment after a key: the next one is aimed at them."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence

from pgscope.tui.table.model import Row

HOLD_S = 3.0
"""Seconds after a key in which the rows keep their order."""


class Hold:
    """Whether a key was pressed a moment ago."""

    def __init__(self) -> None:
        self._until = 0.0

    def begin(self) -> None:
        """A key was pressed."""
        self._until = time.monotonic() + HOLD_S

    @property
    def left(self) -> float:
        """Seconds that it still holds; 0 if it does not."""
        return max(0.0, self._until - time.monotonic())


def as_before(before: Sequence[Row], now: Sequence[Row]) -> list[Row]:
    """The rows `now`, in the order of `before`; new ones stand behind the row that the sort puts them behind.

    A tree keeps the order given: its lines say who belongs to whom.
    """
    place = {row.key: n for n, row in enumerate(before)}
    if any(row.indent or row.prefix for row in now):
        return list(now)
    known: list[Row] = []
    behind: dict[tuple[Hashable] | None, list[Row]] = {}
    last: tuple[Hashable] | None = None
    for row in now:
        if row.key in place:
            known.append(row)
            last = (row.key,)
        else:
            behind.setdefault(last, []).append(row)
    known.sort(key=lambda row: place[row.key])
    found = behind.get(None, [])
    for row in known:
        found.append(row)
        found += behind.get((row.key,), ())
    return found
