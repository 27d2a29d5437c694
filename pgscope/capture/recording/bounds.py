"""What a recording may hold at the most: one that somebody made up must not fill the memory or mislead."""

from __future__ import annotations

import math
import zlib
from typing import Any

from pgscope.text import clean

MOST_BYTES = 128 * 2**20
"""Of a payload, unpacked; and of the words of a run. A recorder writes a few MB, of words 100 MB."""
MOST_ROWS = 100_000
"""Of a table; max_connections and pg_stat_statements.max are rarely above 10,000."""
MOST_NUMBER = 2**70
"""Sums of counters of 64 bits are below it, and it still makes a float."""
LATEST = 1e10
"""Epoch seconds; the year 2286."""


def unpacked(payload: bytes) -> bytes:
    """What was packed by zlib. Raises ValueError (zlib.error) if it is none, or too much."""
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(payload, MOST_BYTES)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("more than a recording holds" if unpacker.unconsumed_tail else "cut off")
    return content


def is_moment(at: Any) -> bool:
    """Whether it is a time that can be shown: a number, and in this age."""
    return isinstance(at, (int, float)) and -LATEST <= at <= LATEST


def number(value: Any) -> Any:
    """The number, if it is one that can be counted with. Raises ValueError."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number")
    if not -MOST_NUMBER < value < MOST_NUMBER:
        raise ValueError("a number out of range")
    return value


def text(value: str) -> str:
    """The text without what a terminal would obey; a recorder has seen to that, others may not have."""
    return value if value.isprintable() else clean(value)
