"""The standard streams: what they cannot take ends nothing that is done."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO


def write_stderr(text: str, end: str = "\n") -> None:
    """Say this on standard error, if that can be written: nothing that is done may depend on it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text + end)
        sys.stderr.flush()


def reopen_closed() -> None:
    """Give Python its standard streams where the program was started without them.

    What is opened next would else take their numbers, and libpq writes to standard error by its number. To
    write to such a standard output fails as it did.
    """
    for name, mode, flags in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


def flush_last() -> None:
    """Drop what the standard streams still hold and cannot write: Python's own flush must not find it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _discard(stream)


def _discard(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
