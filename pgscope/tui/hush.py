"""Until the screen is there: a line says what is waited for, and keys are neither echoed nor kept.

Keys typed meanwhile would stand in the terminal as junk, and be the shell's commands if nothing comes of it.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import termios
from collections.abc import Iterator
from typing import Any, Final

from pgscope.text import clean
from pgscope.tui.charset import keep_to_locale

_CLEAR: Final = "\r\x1b[K"


class _Hush:
    """The terminal as it was; None while nothing is hushed."""

    before: list[Any] | None = None
    line = False
    handler: Any = None


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Switch the echo off at once; in the end, whatever it is, the terminal is as it was."""
    keep_to_locale()
    try:
        before = termios.tcgetattr(sys.stdin)
        termios.tcsetattr(sys.stdin, termios.TCSANOW, _quiet(before))
    except (termios.error, OSError, ValueError):  # no terminal
        yield
        return
    _Hush.before = before
    _Hush.handler = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        begin_screen()
        _Hush.before = None
        with contextlib.suppress(termios.error, OSError, ValueError):  # it may be gone
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def _quiet(before: list[Any]) -> list[Any]:
    """No echo, and only Ctrl-C does something: a program that is stopped would leave it so to the shell."""
    attributes = [*before[:6], list(before[6])]
    attributes[3] &= ~termios.ECHO
    for key in (termios.VSUSP, termios.VQUIT):
        attributes[6][key] = b"\0"
    return attributes


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def before() -> list[Any] | None:
    """The attributes that the terminal had before it was hushed; None if it is not."""
    return _Hush.before


def say(what: str) -> None:
    """Say on one line, in place of what it said before, what is waited for."""
    if _Hush.before is None:
        return
    utf8 = (sys.stderr.encoding or "").lower().replace("-", "") == "utf8"
    text = clean(what, lines=False)[: shutil.get_terminal_size().columns - 2]
    if not utf8:
        text = text.encode("ascii", "replace").decode("ascii")
    _write(_CLEAR + text + ("…" if utf8 else "."))
    _Hush.line = True


def clear() -> None:
    """Take the line away."""
    if _Hush.line:
        _write(_CLEAR)
        _Hush.line = False


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
        sys.stderr.write(text)
        sys.stderr.flush()


def begin_screen() -> None:
    """The wait is over: no line, and nothing of what was typed meanwhile."""
    if _Hush.handler is None:
        return
    clear()
    signal.signal(signal.SIGTERM, _Hush.handler)
    _Hush.handler = None
    with contextlib.suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
