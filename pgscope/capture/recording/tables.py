"""Rows as the difference to the rows before, by column: what did not change costs next to nothing.

0 stands for "as before" everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress, count
from operator import is_not, itemgetter, ne, sub
from typing import Any, TypeAlias

from pgscope.capture.recording.columns import (
    AMOUNT,
    AMOUNTS,
    FLAG,
    MONO,
    NUMBER,
    SQL,
    TIME,
    TIMES,
    WORD,
    Columns,
)
from pgscope.capture.recording.words import Words

Row: TypeAlias = "tuple[Any, ...]"
Key: TypeAlias = "Callable[[Any], Any]"


class When:
    """The sample's own times in µs, which the times of its rows are written relative to."""

    def __init__(self, at: int, mono: int) -> None:
        self.at = at
        self.mono = mono


def table_key(columns: Columns, names: Sequence[str]) -> Key:
    """Takes from a row what names it."""
    return itemgetter(*(columns.names.index(name) for name in names))


def encoded(
    columns: Columns, words: Words, when: When, rows: Sequence[Row], before: Sequence[Row]
) -> list[tuple[int, list[Any]]]:
    """The columns in which rows differ from those before them, by number; as many rows on both sides."""
    if not rows:
        return []
    made: list[tuple[int, list[Any]]] = []
    for place, (new, old) in enumerate(zip(zip(*rows, strict=True), zip(*before, strict=True), strict=True)):
        if new != old:
            made.append((place, _column(columns.kinds[place], words, when, new, old)))
    return made


def _column(kind: str, words: Words, when: When, new: Row, old: Row) -> list[Any]:
    if kind in (NUMBER, FLAG):
        try:
            return list(map(sub, new, old))
        except TypeError:
            return [_number(a, b) for a, b in zip(new, old, strict=True)]
    if kind == AMOUNT:
        return [
            round(a * AMOUNTS) - round(b * AMOUNTS) if a != b else 0 for a, b in zip(new, old, strict=True)
        ]
    if kind in (TIME, MONO):
        now = when.at if kind == TIME else when.mono
        return [
            0 if a == b else None if a is None else ago + 1 if (ago := now - round(a * TIMES)) >= 0 else ago
            for a, b in zip(new, old, strict=True)
        ]
    if kind in (WORD, SQL):
        known, number = words.known, words.number if kind == WORD else words.statement
        return [0 if a == b else known(a) or number(a) for a, b in zip(new, old, strict=True)]
    return [0 if a == b else [a] for a, b in zip(new, old, strict=True)]


def _number(new: int | None, old: int | None) -> Any:
    if new == old:
        return 0
    if new is None:
        return None
    return [new] if old is None else new - old


class TableWriter:
    """A table that each poll has in full: only what changed is written, in whatever order it comes."""

    def __init__(self, columns: Columns, key: Key, words: Words) -> None:
        self._columns = columns
        self._key = key
        self._words = words
        self._neutral = columns.neutral
        self.restart()

    def restart(self) -> None:
        """Forget what was written: the next is written in full."""
        self._rows: Sequence[Row] = ()

    def write(self, rows: Sequence[Row], when: When) -> Any:
        """What is written of the rows: 0 if they are as before, else [order, places, columns]."""
        order: Any = 0
        base, key = self._rows, self._key
        # Most rows are the objects that they were: they need not even be looked at.
        other = list(compress(count(), map(is_not, rows, base)))
        new, old = [rows[n] for n in other], [base[n] for n in other if n < len(base)]
        if len(rows) != len(base) or list(map(key, new)) != list(map(key, old)):
            order, old = self._ordered(list(map(key, rows)))
            other, new = list(range(len(rows))), list(rows)
        differ = list(map(ne, new, old))
        changed = list(compress(other, differ))
        self._rows = rows
        if not changed and order == 0:
            return 0
        whole = len(changed) == len(rows)
        columns = encoded(
            self._columns, self._words, when, list(compress(new, differ)), list(compress(old, differ))
        )
        return [order, None if whole else _gaps(changed), columns]

    def _ordered(self, keys: list[Any]) -> tuple[list[int], list[Row]]:
        """Where each row stood before, as runs of (place, length), -1 for rows that are new."""
        place_of = {key: place for place, key in enumerate(map(self._key, self._rows))}
        runs: list[int] = []
        base: list[Row] = []
        follows = None
        for key in keys:
            place = place_of.get(key, -1)
            base.append(self._neutral if place < 0 else self._rows[place])
            if place == follows:
                runs[-1] += 1
            else:
                runs += (place, 1)
            follows = place + 1 if place >= 0 else -1
        return runs, base


class PoolWriter:
    """Rows of which a few come at a time: each is the difference to the last one of the same key."""

    def __init__(self, columns: Columns, key: Key, words: Words) -> None:
        self._columns = columns
        self._key = key
        self._words = words
        self._neutral = columns.neutral
        self.restart()

    def restart(self) -> None:
        """Forget what was written."""
        self._places: dict[Any, int] = {}
        self._last: list[Row] = []

    def write(self, rows: Sequence[Row], when: When) -> Any:
        """What is written of the rows: 0 for none, else [places, columns]."""
        if not rows:
            return 0
        known, last = self._places, self._last
        places: list[int] = []
        base: list[Row] = []
        for key, row in zip(map(self._key, rows), rows, strict=True):
            place = known.get(key)
            if place is None:
                place = known[key] = len(last)
                last.append(self._neutral)
            places.append(place)
            base.append(last[place])
            last[place] = row
        return [places, encoded(self._columns, self._words, when, rows, base)]


def _gaps(places: list[int]) -> list[int]:
    """Rising numbers as the steps between them."""
    return [places[0], *map(sub, places[1:], places)] if places else []
