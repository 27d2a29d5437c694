"""The thread that reads the keys: it sleeps until there is something to read.

Textual's own wakes ten times a second, which is a tenth of what a program costs that is kept open all day.
"""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections.abc import Callable

from textual import constants
from textual._xterm_parser import XTermParser
from textual.message import Message

_READ_BYTES = 4096
_TICK_S = 0.05
"""Seconds from one look to the next whether an escape stood alone."""


class Exit(threading.Event):
    """An event that also wakes a thread which waits for a file: `fileno` is readable while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self._read_end, self._write_end = os.pipe()

    def fileno(self) -> int:
        """The end of the pipe to wait for."""
        return self._read_end

    def set(self) -> None:
        """Set it, and wake who waits."""
        if not self.is_set():
            os.write(self._write_end, b"x")
        super().set()

    def clear(self) -> None:
        """Take it back."""
        if self.is_set():
            os.read(self._read_end, 1)
        super().clear()

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._read_end)
        os.close(self._write_end)


def read_keys(fileno: int, end: Exit, take: Callable[[Message], None], debug: bool = False) -> None:
    """Read the terminal `fileno` and hand on what was typed, until `end` is set."""
    parser = XTermParser(debug)
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    poll.register(end.fileno(), select.POLLIN)
    # Part of a sequence may have come: what it was is known when nothing has followed for a moment.
    unsure = 0.0
    while not end.is_set():
        ready = dict(poll.poll(_TICK_S * 1000 if unsure > 0 else None))
        if fileno in ready:
            if (data := _read(fileno)) is None:
                continue
            if not data:
                poll.unregister(fileno)  # it has hung up, or its input was a file and is at its end
                continue
            for message in parser.feed(decode(data)):
                take(message)
            unsure = _unsure_for(parser)
        else:
            unsure -= _TICK_S
        for message in parser.tick():
            take(message)


def _unsure_for(parser: XTermParser) -> float:
    """Seconds within which more must have come of what has begun; 0 if nothing has."""
    whole = getattr(parser, "_timeout_time", 0.0) is None
    return 0.0 if whole else constants.ESCAPE_DELAY + 2 * _TICK_S


def _read(fileno: int) -> bytes | None:
    """What was typed; nothing where no more will come, None where there may be some later."""
    try:
        return os.read(fileno, _READ_BYTES)
    except (BlockingIOError, InterruptedError):
        return None  # somebody made the terminal a non-blocking one, and was quicker
    except OSError:
        return b""
