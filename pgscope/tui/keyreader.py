"""The thread that reads the keys: it sleeps until there is something to read.

Textual's own wakes ten times a second, which is a tenth of what a program costs that is kept open all day.
"""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections.abc import Callable, Iterable

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


class _Parser:
    """What text means as keys. It outlives any text: what is no key of a terminal is left out."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self._parser = XTermParser(debug)

    def feed(self, text: str, take: Callable[[Message], None]) -> None:
        """Hand on what is whole now."""
        # One by one, so that what follows a sequence that is none is not lost with it. Textual's raises at
        # numbers that are none, or too large, as noise on a line and pasted bytes may hold them; and to be
        # fed nothing, as half a character decodes to, would be its end.
        for character in text:
            self._hand_on(self._parser.feed(character), take)

    def tick(self, take: Callable[[Message], None]) -> None:
        """Hand on what is known to be whole because nothing followed in time."""
        self._hand_on(self._parser.tick(), take)

    @property
    def unsure_for(self) -> float:
        """Seconds within which more must have come of what has begun; 0 if nothing has."""
        whole = getattr(self._parser, "_timeout_time", 0.0) is None
        return 0.0 if whole else constants.ESCAPE_DELAY + 2 * _TICK_S

    def _hand_on(self, parsed: Iterable[Message], take: Callable[[Message], None]) -> None:
        try:
            messages = list(parsed)
        except (ValueError, OverflowError):
            self._parser = XTermParser(self._debug)
            return
        for message in messages:
            take(message)


def read_keys(fileno: int, end: Exit, take: Callable[[Message], None], debug: bool = False) -> None:
    """Read the terminal `fileno` and hand on what was typed, until `end` is set."""
    parser = _Parser(debug)
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
            parser.feed(decode(data), take)
            unsure = parser.unsure_for
        else:
            unsure -= _TICK_S
        parser.tick(take)


def _read(fileno: int) -> bytes | None:
    """What was typed; nothing where no more will come, None where there may be some later."""
    try:
        return os.read(fileno, _READ_BYTES)
    except (BlockingIOError, InterruptedError):
        return None  # somebody made the terminal a non-blocking one, and was quicker
    except OSError:
        return b""
