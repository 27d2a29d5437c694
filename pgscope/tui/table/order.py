"""Sorting rows: stable, values that are missing last, trees kept together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from pgscope.tui.table.model import Column, Row

_INDENT = attrgetter("indent")


class _Nothing:
    """Stands for a value that is missing: such rows come last, whichever way the others run."""


_NOTHING = _Nothing()


class SortValues:
    """What rows sort by, kept for rows that come again: most of thousands are the objects they were.

    It knows rows by their identity, so the rows of the last call must still be there at the next.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._known: dict[int, Any] = {}

    def values(self, rows: Sequence[Row], value: Callable[[Row], Any], of: object) -> list[Any]:
        """The value of each row; `of` says what kind of value that is."""
        names = list(map(id, rows))
        if of != self._of:
            self._of, self._known = of, {}
        known = self._known
        found = list(map(known.get, names))
        for n, kept in enumerate(found):
            if kept is None:
                found[n] = value(rows[n])
        self._known = dict(zip(names, found, strict=True))
        return found


def ordered(
    rows: Sequence[Row],
    columns: Sequence[Column],
    key: str | None,
    descending: bool,
    kept: SortValues | None = None,
) -> list[Row]:
    """The rows sorted by the column `key`; as given if there is no such column."""
    index = next((i for i, column in enumerate(columns) if column.key == key), None)
    if index is None:
        return list(rows)
    value = _value_of(index, columns[index].sort_key)
    if any(map(_INDENT, rows)):
        return _ordered_tree(rows, value, descending)
    values = (kept or SortValues()).values(rows, value, (key, columns))
    return _sorted(rows, values, descending)


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


def _ordered_flat(rows: Sequence[Row], value: Callable[[Row], Any], descending: bool) -> list[Row]:
    return _sorted(rows, [value(row) for row in rows], descending)


def _sorted(rows: Sequence[Row], values: Sequence[Any], descending: bool) -> list[Row]:
    places: Sequence[int] = range(len(rows))
    absent = [n for n in places if values[n] is _NOTHING]
    present = [n for n in places if values[n] is not _NOTHING] if absent else places
    try:
        order = sorted(present, key=values.__getitem__, reverse=descending)
    except TypeError:  # values of several types in one column
        order = sorted(present, key=lambda n: _by_type(values[n]), reverse=descending)
    return [rows[n] for n in order] + [rows[n] for n in absent]


def _by_type(value: Any) -> tuple[str, str]:
    return type(value).__name__, str(value)


def _ordered_tree(rows: Sequence[Row], value: Callable[[Row], Any], descending: bool) -> list[Row]:
    children: dict[int, list[Row]] = {}  # by the position of the parent, -1 for the roots
    position = {id(row): i for i, row in enumerate(rows)}
    path: list[int] = []
    for i, row in enumerate(rows):
        while path and rows[path[-1]].indent >= row.indent:
            path.pop()
        children.setdefault(path[-1] if path else -1, []).append(row)
        path.append(i)
    out: list[Row] = []
    todo = _ordered_flat(children.get(-1, []), value, descending)[::-1]
    while todo:
        row = todo.pop()
        out.append(row)
        below = children.get(position[id(row)])
        if below:
            todo.extend(_ordered_flat(below, value, descending)[::-1])
    return out
