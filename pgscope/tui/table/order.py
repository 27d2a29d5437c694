"""Sorting rows: stable, values that are missing last, trees kept together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from itertools import compress, count
from operator import attrgetter, is_not, neg, pos
from typing import Any

from pgscope.tui.table.model import Column, Row

_INDENT = attrgetter("indent")
_MANY = 100
"""Rows that are others than before, from which on all are sorted anew."""


class _Nothing:
    """Stands for a value that is missing: such rows come last, whichever way the others run."""


_NOTHING = _Nothing()


class Order:
    """Sorts rows from snapshot to snapshot at the cost of those that changed: most of thousands did not.

    It knows rows by their identity, and keeps those of the last call for that.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._rows: Sequence[Row] = ()
        self._values: list[Any] = []
        self._rising: list[int] = []
        """Places of the rows that have a value, from the lowest to the highest; of equal ones the first place
        first, or last where the order runs downwards, so that it is first there too."""
        self._absent: list[int] = []
        self._plain = False
        """Whether the last ones were no tree, and all values of a kind."""

    def sorted(
        self, rows: Sequence[Row], columns: Sequence[Column], key: str | None, falling: bool
    ) -> list[Row]:
        """The rows sorted by the column `key`; as given if there is no such column. They must not change."""
        index = next((i for i, column in enumerate(columns) if column.key == key), None)
        if index is None:
            self._of, self._rows = None, ()
            return list(rows)
        value = _value_of(index, columns[index].sort_key)
        of = (key, columns, falling)
        if of != self._of:
            self._of, self._rows = of, rows
            return self._anew(rows, (), value, falling)
        before, self._rows = self._rows, rows
        others = list(compress(count(), map(is_not, rows, before))) if len(before) == len(rows) else None
        if others is None or len(others) > _MANY or not self._plain or any(rows[n].indent for n in others):
            return self._anew(rows, before, value, falling)
        moved = []
        for n in others:
            now = value(rows[n])
            if now != self._values[n]:
                moved.append(n)
            self._values[n] = now
        try:
            self._move(moved, falling)
        except TypeError:  # values of several types in one column
            return self._anew(rows, rows, value, falling)
        order = reversed(self._rising) if falling else self._rising
        return [*map(rows.__getitem__, order), *map(rows.__getitem__, self._absent)]

    def _anew(
        self, rows: Sequence[Row], before: Sequence[Row], value: Callable[[Row], Any], falling: bool
    ) -> list[Row]:
        if any(map(_INDENT, rows)):
            self._plain, self._values = False, []
            return _ordered_tree(rows, value, falling)
        # Some came or went, so that others have other places.
        known = dict(zip(map(id, before), self._values, strict=False))
        values = list(map(known.get, map(id, rows)))
        for n, kept in enumerate(values):
            if kept is None:
                values[n] = value(rows[n])
        self._values = values
        order, self._absent, self._plain = _places(values, falling)
        self._rising = order[::-1] if falling else order
        return [rows[n] for n in order] + [rows[n] for n in self._absent]

    def _move(self, places: Sequence[int], falling: bool) -> None:
        """Put these where their values belong now. Raises TypeError if they cannot be compared."""
        if not places:
            return
        gone, values = set(places), self._values
        self._rising = rising = [n for n in self._rising if n not in gone]
        self._absent = [n for n in self._absent if n not in gone]
        of, by = values.__getitem__, neg if falling else pos
        for n in places:
            if values[n] is _NOTHING:
                insort(self._absent, n)
            else:
                first = bisect_left(rising, values[n], key=of)
                last = bisect_right(rising, values[n], first, key=of)
                rising.insert(bisect_left(rising, by(n), first, last, key=by), n)


def ordered(rows: Sequence[Row], columns: Sequence[Column], key: str | None, falling: bool) -> list[Row]:
    """The rows sorted by the column `key`; as given if there is no such column."""
    return Order().sorted(rows, columns, key, falling)


def _value_of(index: int, transform: Callable[[Any], Any] | None) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        values = row.sort_values
        if callable(values):
            return _transformed(values(index), transform)
        return _transformed(values[index] if index < len(values) else None, transform)

    return value


def _transformed(found: Any, transform: Callable[[Any], Any] | None) -> Any:
    value = found if transform is None or found is None else transform(found)
    # NaN is not itself, and would spoil the order of all others.
    return _NOTHING if value is None or value != value else value


def _ordered_flat(rows: Sequence[Row], value: Callable[[Row], Any], falling: bool) -> list[Row]:
    order, absent, _ = _places([value(row) for row in rows], falling)
    return [rows[n] for n in order + absent]


def _places(values: Sequence[Any], falling: bool) -> tuple[list[int], list[int], bool]:
    """Places of the values in their order, places of missing ones, and whether all can be compared."""
    places: Sequence[int] = range(len(values))
    absent = [n for n in places if values[n] is _NOTHING]
    present = [n for n in places if values[n] is not _NOTHING] if absent else places
    try:
        return sorted(present, key=values.__getitem__, reverse=falling), absent, True
    except TypeError:  # values of several types in one column
        return sorted(present, key=lambda n: _by_type(values[n]), reverse=falling), absent, False


def _by_type(value: Any) -> tuple[str, str]:
    return type(value).__name__, str(value)


def _ordered_tree(rows: Sequence[Row], value: Callable[[Row], Any], falling: bool) -> list[Row]:
    children: dict[int, list[Row]] = {}  # by the position of the parent, -1 for the roots
    position = {id(row): i for i, row in enumerate(rows)}
    path: list[int] = []
    for i, row in enumerate(rows):
        while path and rows[path[-1]].indent >= row.indent:
            path.pop()
        children.setdefault(path[-1] if path else -1, []).append(row)
        path.append(i)
    out: list[Row] = []
    todo = _ordered_flat(children.get(-1, []), value, falling)[::-1]
    while todo:
        row = todo.pop()
        out.append(row)
        below = children.get(position[id(row)])
        if below:
            todo.extend(_ordered_flat(below, value, falling)[::-1])
    return out
