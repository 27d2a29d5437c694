"""Which columns of a table may be shown, in which order and how wide: those that were chosen, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pgscope.config import ColumnChoice
from pgscope.tui.table.model import Column

_SIZED = 50
"""What a width of its own adds to the priority of a column: someone cares for it."""


def wanted_columns(columns: Sequence[Column], chosen: Sequence[ColumnChoice]) -> list[tuple[int, Column]]:
    """The columns as chosen, each with its place in `columns`; all of them if nothing fitting was chosen.

    A choice may name columns that the table has in another of its forms only; they are left out.
    """
    place = {column.key: n for n, column in enumerate(columns)}
    wanted = []
    for choice in chosen:
        if choice.key in place:
            column = columns[place[choice.key]]
            if choice.width is not None:
                priority = column.priority + _SIZED
                column = replace(column, width=choice.width, priority=priority, needs=0)
            wanted.append((place[choice.key], column))
    return wanted or list(enumerate(columns))
