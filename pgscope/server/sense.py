"""Answers that make no sense: of a server that is none, or newer than we know, or of something in between."""

from __future__ import annotations

import struct
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from pgscope.errors import ConnectionFailed

_NONSENSE = (
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    struct.error,
    psycopg.DataError,
    psycopg.NotSupportedError,
)
"""What reading a value that is not what was asked for ends in."""


_LATEST = 2.0**37
"""Seconds since the epoch that every calendar can name."""


class Senseless(ConnectionFailed):
    """The server answered, and the answer cannot be read; one line that says where, without the answer."""


@contextmanager
def sensible() -> Iterator[None]:
    """Take what goes wrong in reading answers for the server's doing: raises Senseless then."""
    try:
        yield
    except _NONSENSE as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise Senseless(
            "the server's answer makes no sense to pgscope"
            f" ({type(error).__name__} at {Path(place.filename).name}:{place.lineno})"
        ) from error


def moment(at: object) -> float:
    """A time of the server's clock, epoch seconds. Raises ValueError for one that no clock can show."""
    if not isinstance(at, (int, float)) or not 0 < at < _LATEST:
        raise ValueError("no time of a clock")
    return at
