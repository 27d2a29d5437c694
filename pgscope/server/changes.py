"""Which rows of a set-returning function changed: what was seen goes to the server, what differs comes back.

The rows are told apart by their place, each with a mark made of its name and of a counter. Rows that come
or go move others, whose marks then differ: they are read again, and all that is kept is right at its place.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_INT8, _INT8_ARRAY = 20, 1016
_NONE = struct.pack("!iii", 0, 0, _INT8)
_HEAD = struct.Struct("!iiiii")
_ELEMENT = struct.Struct("!iQ")
_ALL = (1 << 64) - 1


class Marks:
    """An int8[] in the form that the server takes, changed in place; an unknown place holds 0."""

    def __init__(self) -> None:
        self._data = bytearray(_HEAD.size)
        self.length = 0

    def put(self, place: int, mark: int) -> None:
        """Set the mark of a place, from 0."""
        while self.length <= place:
            self._data += _ELEMENT.pack(8, 0)
            self.length += 1
        _ELEMENT.pack_into(self._data, _HEAD.size + place * _ELEMENT.size, 8, mark)

    def dump(self) -> Buffer:
        """As the protocol has it."""
        if not self.length:
            return _NONE
        _HEAD.pack_into(self._data, 0, 1, 0, _INT8, self.length, 1)
        return bytes(self._data)


class _MarksDumper(Dumper):
    format = Format.BINARY
    oid = _INT8_ARRAY

    def dump(self, obj: Marks) -> Buffer:
        return obj.dump()


psycopg.adapters.register_dumper(Marks, _MarksDumper)


def mark(name: Sequence[int], calls: int) -> int:
    """What statements-*.sql make of an entry: another one for each number of calls."""
    userid, dbid, queryid, toplevel = name
    found = queryid ^ calls << 20 ^ userid << 40 ^ dbid << 8 ^ (1 if toplevel else 0)
    return found & _ALL
