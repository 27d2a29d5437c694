"""The standard streams: what they cannot take ends nothing that is done."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from pgscope.errors import PgscopeError

_ALIKE = str.maketrans("─│•…–—≥≤×", "-|*.--><x")
"""Signs that pgscope writes itself, and what is nearest to them everywhere."""


def write_stderr(text: str, end: str = "\n") -> None:
    """Say this on standard error, if that can be written: nothing that is done may depend on it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text + end)
        sys.stderr.flush()


def write_stdout(text: str, *, utf8: bool = False) -> None:
    """Print this text, with what the encoding cannot show replaced; `utf8`: in UTF-8, whatever the encoding.

    Raises PgscopeError where standard output is full or closed, BrokenPipeError where nobody reads it.
    """
    try:
        if utf8 and hasattr(sys.stdout, "buffer"):
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        else:
            sys.stdout.write(_encodable(text, sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise PgscopeError(f"cannot write standard output: {reason or error}") from None


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding, stream.errors or "strict")
    except UnicodeEncodeError:
        known = text if _knows_signs(encoding) else text.translate(_ALIKE)
        return known.encode(encoding, "replace").decode(encoding)
    return text


def _knows_signs(encoding: str) -> bool:
    try:
        "".join(map(chr, _ALIKE)).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


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
