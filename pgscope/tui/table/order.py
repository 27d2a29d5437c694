"""Sorting rows: stable, values that are missing last, trees kept together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import Any

from pgscope.tui.table.model import Column, Row

_INDENT = attrgetter("indent")


class SortValues:
    """What rows sort by, kept for rows that come again: most of thousands are the objects they were.

    It knows rows by their identity, so the rows of the last call must still be there at the next.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._known: dict[int, Any] = {}

    def values(self, rows: Sequence[Row], value: Callable[[Row], Any], of: object) -> list[Any]:
        """The value of each row; `of` says what kind of value that is."""
        known = self._known if of == self._of else {}
        found = [known[id(row)] if id(row) in known else value(row) for row in rows]
        self._of, self._known = of, dict(zip(map(id, rows), found, strict=True))
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
    return found if transform is None or found is None else transform(found)


def _ordered_flat(rows: Sequence[Row], value: Callable[[Row], Any], descending: bool) -> list[Row]:
    return _sorted(rows, [value(row) for row in rows], descending)


def _sorted(rows: Sequence[Row], values: Sequence[Any], descending: bool) -> list[Row]:
    present: list[tuple[Any, Row]] = []
    absent: list[Row] = []
    for row, found in zip(rows, values, strict=True):
        if found is None or found != found:  # NaN, which would spoil the order of all others
            absent.append(row)
        else:
            present.append((found, row))
    try:
        present.sort(key=itemgetter(0), reverse=descending)
    except TypeError:  # values of several types in one column
        present.sort(key=_by_type, reverse=descending)
    return [row for _, row in present] + absent


def _by_type(pair: tuple[Any, Row]) -> tuple[str, str]:
    return type(pair[0]).__name__, str(pair[0])


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
