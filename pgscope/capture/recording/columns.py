"""How the columns of each kind of row are written: the bridge between sample.py and the file.

A file names its columns and their kinds in its head, so that a program whose rows have other columns by then
still reads it: what it does not know is dropped, what the file does not have gets a neutral value.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

from pgscope import sample
from pgscope.dataclass import dataclass

NUMBER, FLAG, AMOUNT, TIME, MONO, WORD, SQL, VALUE = "nbftmwqv"
"""Kinds of columns: whole numbers and flags as differences; milliseconds in steps of `AMOUNT_STEP`, as
differences; times in µs before the sample's; words by number; statements; anything else as it is."""
AMOUNTS = 1e5
"""Steps in a millisecond: 10 ns."""
TIMES = 1e6
"""Steps in a second."""

ROWS: Mapping[str, Any] = {
    row.__name__: row
    for row in (
        sample.Session,
        sample.StatementCounters,
        sample.DatabaseCounters,
        sample.Lock,
        sample.Blocking,
        sample.PreparedTransaction,
        sample.XminHolder,
        sample.Progress,
        sample.Sighting,
        sample.Odometer,
        sample.ApplicationCalls,
    )
}
"""Rows that are written as tables."""

_AMOUNTS = {"total_exec_time", "max_exec_time", "total_plan_time", "blk_read_time", "blk_write_time"}
_WORDS = {"queryid", "query_id"}
"""Numbers of 64 random bits are no good as differences."""


@dataclass(frozen=True)
class Columns:
    """The columns of one kind of row as a file has them."""

    names: tuple[str, ...]
    kinds: str

    @property
    def neutral(self) -> tuple[Any, ...]:
        """The row that a new one is the difference to."""
        return tuple(0 if kind in (NUMBER, FLAG, AMOUNT) else None for kind in self.kinds)


def columns_of(row: Any) -> Columns:
    """The columns of a row type of this program."""
    hints = typing.get_type_hints(row)
    return Columns(row._fields, "".join(_kind(name, hints[name]) for name in row._fields))


def _kind(name: str, hint: Any) -> str:
    if name == "query":
        return SQL
    if name in _WORDS:
        return WORD
    if name in _AMOUNTS:
        return AMOUNT
    if name == "mono":
        return MONO
    plain = _without_none(hint)
    return {int: NUMBER, bool: FLAG, float: TIME, str: WORD}.get(plain, VALUE)


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(one for one in typing.get_args(hint) if one is not type(None))
    return hint


def neutral_value(row: Any, name: str) -> Any:
    """What a column holds in a row of a file that did not have it."""
    if name in row._field_defaults:
        return row._field_defaults[name]
    hint = typing.get_type_hints(row)[name]
    if _without_none(hint) is not hint:
        return None
    plain = typing.get_origin(hint) or hint
    return {int: 0, bool: False, float: 0.0, str: "", tuple: ()}.get(plain)
