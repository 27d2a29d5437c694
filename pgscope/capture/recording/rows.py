"""Reads what `tables` writes: rows of this program from the columns that a file has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from pgscope.capture.recording.bounds import LATEST, MOST_NUMBER, MOST_ROWS, number, text
from pgscope.capture.recording.columns import (
    AMOUNT,
    AMOUNTS,
    FLAG,
    MONO,
    NUMBER,
    ROWS,
    SQL,
    TIME,
    TIMES,
    WORD,
    Columns,
    neutral_value,
)
from pgscope.capture.recording.tables import When
from pgscope.capture.recording.words import Read

_LATEST = int(LATEST * TIMES)
_EARLIEST = -_LATEST

Raw: TypeAlias = "list[Any]"
Step: TypeAlias = "Callable[[Any, Any], Any]"


class RowMaker:
    """Makes rows of this program from raw ones, whose numbers are as the file has them."""

    def __init__(self, name: str, columns: Columns, words: Read) -> None:
        self.columns = columns
        self.words = words
        self._row = ROWS[name]
        places = {column: place for place, column in enumerate(columns.names)}
        self._places = [places.get(field, -1) for field in self._row._fields]
        self._absent = [
            neutral_value(self._row, field) if place < 0 else None
            for field, place in zip(self._row._fields, self._places, strict=True)
        ]
        hints = get_type_hints(self._row)
        self._types = [_types(hints[field]) for field in self._row._fields]
        self._whole = self._places == list(range(len(columns.names)))
        self._convert = [_converted(kind) for kind in columns.kinds]
        fields = {place: field for field, place in enumerate(self._places) if place >= 0}
        self._fields = [fields.get(place, -1) for place in range(len(columns.names))]

    def row(self, raw: Raw) -> Any:
        """The row."""
        values = [
            value if make is None else make(value) for make, value in zip(self._convert, raw, strict=True)
        ]
        if not self._whole:
            values = [
                absent if place < 0 else values[place]
                for place, absent in zip(self._places, self._absent, strict=True)
            ]
        if not all(map(isinstance, values, self._types)):
            raise TypeError(f"not a {self._row.__name__}")
        return self._row._make(values)

    def changed(self, row: Any, raw: Raw, columns: Sequence[int]) -> Any:
        """The row that was made of raw before these columns changed, brought up to now."""
        values = list(row)
        for column in columns:
            field = self._fields[column]
            if field < 0:
                continue
            make = self._convert[column]
            value = values[field] = raw[column] if make is None else make(raw[column])
            if not isinstance(value, self._types[field]):
                raise TypeError(f"not a {self._row.__name__}")
        return self._row._make(values)

    def step(self, place: int, when: When) -> Step:
        """What makes a column's raw value of the one before and what was written."""
        kind = self.columns.kinds[place]
        if kind in (NUMBER, FLAG, AMOUNT):
            return _added
        if kind in (TIME, MONO):
            now = when.at if kind == TIME else when.mono
            return lambda before, ago: before if ago == 0 else _moment(ago, now)
        if kind == WORD:
            word = self.words.word
            return lambda before, number: before if number == 0 else word(number)
        if kind == SQL:
            statement = self.words.statement
            return lambda before, number: before if number == 0 else statement(number)
        return lambda before, value: before if value == 0 else _frozen(value[0])


def _types(hint: Any) -> tuple[type, ...]:
    """What a column may hold."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(get_origin(kind) or kind for kind in kinds)


def _converted(kind: str) -> Callable[[Any], Any] | None:
    if kind in (TIME, MONO):
        return lambda value: None if value is None else value / TIMES
    if kind == AMOUNT:
        return lambda value: value / AMOUNTS
    return bool if kind == FLAG else None


def _added(before: Any, more: Any) -> Any:
    if more == 0:
        return before
    if more is None:
        return None
    if type(more) is int and -MOST_NUMBER < (value := before + more) < MOST_NUMBER:
        return value
    return number(more[0] if isinstance(more, list) else before + more)


def _moment(ago: int | None, now: int) -> int | None:
    if ago is None:
        return None
    moment = now - (ago - 1 if ago > 0 else ago)
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("a time out of range")
    return moment


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return text(value) if isinstance(value, str) else number(value)


class TableReader:
    """A table that each poll has in full."""

    def __init__(self, maker: RowMaker) -> None:
        self._maker = maker
        self.restart()

    def restart(self) -> None:
        """Forget what was read."""
        self._raw: list[Raw] = []
        self._rows: tuple[Any, ...] = ()

    def read(self, written: Any, when: When) -> tuple[Any, ...]:
        """All rows."""
        if written == 0:
            return self._rows
        order, gaps, columns = written
        if order == 0:
            raw, rows = self._raw, list(self._rows)
        else:
            raw, rows = self._ordered(order)
        places = list(range(len(raw))) if gaps is None else _places(gaps)
        for place in places:
            raw[place] = list(raw[place])
        for column, values in columns:
            step = self._maker.step(column, when)
            for place, value in zip(places, values, strict=True):
                if value != 0:
                    raw[place][column] = step(raw[place][column], value)
        changed = [column for column, _ in columns]
        for place in places:
            before = rows[place]
            rows[place] = (
                self._maker.row(raw[place])
                if before is None
                else self._maker.changed(before, raw[place], changed)
            )
        self._raw, self._rows = raw, tuple(rows)
        return self._rows

    def _ordered(self, order: Sequence[int]) -> tuple[list[Raw], list[Any]]:
        neutral = list(self._maker.columns.neutral)
        raw: list[Raw] = []
        rows: list[Any] = []
        for place, length in zip(order[::2], order[1::2], strict=True):
            if length < 0 or len(raw) + length > MOST_ROWS:
                raise ValueError("more rows than a recording holds")
            if place < 0:
                raw += [neutral] * length
                rows += [None] * length
            else:
                raw += self._raw[place : place + length]
                rows += self._rows[place : place + length]
        return raw, rows


class PoolReader:
    """Rows of which a few come at a time."""

    def __init__(self, maker: RowMaker) -> None:
        self._maker = maker
        self.restart()

    def restart(self) -> None:
        """Forget what was read."""
        self._last: list[Raw] = []
        self._rows: list[Any] = []

    def read(self, written: Any, when: When) -> tuple[Any, ...]:
        """The rows."""
        if written == 0:
            return ()
        places, columns = written
        steps = [(column, self._maker.step(column, when), values) for column, values in columns]
        changed = [column for column, _ in columns]
        rows = []
        for nth, place in enumerate(places):
            if place == len(self._last) < MOST_ROWS:
                self._last.append(list(self._maker.columns.neutral))
                self._rows.append(None)
            raw, before = self._last[place], self._rows[place]
            for column, step, values in steps:
                if (value := values[nth]) != 0:
                    raw[column] = step(raw[column], value)
            row = self._maker.row(raw) if before is None else self._maker.changed(before, raw, changed)
            self._rows[place] = row
            rows.append(row)
        return tuple(rows)


def _places(gaps: Sequence[int]) -> list[int]:
    places = []
    place = 0
    for gap in gaps:
        place += gap
        places.append(place)
    return places
