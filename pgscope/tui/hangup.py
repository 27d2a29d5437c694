"""End the process when its terminal goes away.

A program whose terminal is gone is normally told by SIGHUP. Where that signal is ignored (`nohup`), or the
terminal is not the controlling one, nothing tells it: Textual's writer thread dies, its main loop blocks and
its input thread spins. So a thread of its own waits for the hang-up. It sleeps in the kernel until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from functools import partial

EXIT_STATUS = 128 + signal.SIGHUP
_LOOK_AGAIN_MS = 5000  # in case a system does not wake the poll
_LAST_CHANCE_S = 3.0


def watch_hangup(
    last_chance: Callable[[], None] | None = None,
    *,
    leave: Callable[[], object] | None = None,
    fd: int | None = None,
) -> threading.Thread | None:
    """Watch a terminal (standard input by default) from a daemon thread, and end the process when it is gone.

    `last_chance` runs first, in another thread, and has 3 s; then `os._exit`, because the main thread may be
    blocked for ever. A SIGHUP is treated as a hang-up too, unless it was ignored when the process started;
    where the terminal is still there `leave` is called before, from the thread, and has 3 s to end all
    with the terminal as it was.
    Call it from the main thread. Returns None, and watches nothing, if the descriptor is no terminal.
    """
    if fd is None:
        try:
            fd = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        except (OSError, ValueError):
            return None
    if fd < 0 or not os.isatty(fd):
        return None
    signalled, wake = os.pipe()
    os.set_blocking(wake, False)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: _write_byte(wake))
    thread = threading.Thread(
        target=_watch, args=(fd, signalled, leave, last_chance), daemon=True, name="pgscope-hangup"
    )
    thread.start()
    return thread


def leave_when_told(leave: Callable[[int], object], left: Callable[[], bool]) -> None:
    """Have SIGTERM and SIGHUP end the running loop's program as a key does: its terminal is as it was then.

    `leave` is called in the loop with the exit status, and has 3 s; `left` says whether it is done.
    A terminal that is gone ends the process at once: see `watch_hangup`. Call it from the main thread.
    """
    loop = asyncio.get_running_loop()
    leave_on_sigterm(partial(loop.call_soon_threadsafe, leave, 128 + signal.SIGTERM), left)
    watch_hangup(leave=partial(loop.call_soon_threadsafe, leave, EXIT_STATUS))


def leave_on_sigterm(leave: Callable[[], object], left: Callable[[], bool]) -> None:
    """Have SIGTERM call `leave`, and end the process 3 s later if it has not `left` by then.

    The main loop may be blocked, as by a terminal that takes nothing any more. Call it from the main thread.
    """
    status = 128 + signal.SIGTERM

    def late() -> None:
        if not left():
            os._exit(status)

    def told(*_: object) -> None:
        timer = threading.Timer(_LAST_CHANCE_S, late)
        timer.daemon = True
        timer.start()
        with contextlib.suppress(RuntimeError):  # the loop has ended by now
            leave()

    signal.signal(signal.SIGTERM, told)


def _write_byte(wake: int) -> None:
    try:
        os.write(wake, b"h")
    except BlockingIOError:
        return  # the pipe is full of earlier ones


def is_gone(fd: int) -> bool:
    """Whether the terminal behind a descriptor has hung up."""
    try:
        termios.tcgetattr(fd)
    except termios.error:
        return True
    return False


def _watch(
    fd: int, signalled: int, leave: Callable[[], object] | None, last_chance: Callable[[], None] | None
) -> None:
    poll = select.poll()
    poll.register(fd, 0)  # no event is asked for: a hang-up is always reported, input never
    poll.register(signalled, select.POLLIN)
    while True:
        ready = dict(poll.poll(_LOOK_AGAIN_MS))
        if signalled in ready or is_gone(fd):
            break
        if ready:  # a system that cannot poll terminals: look now and then
            time.sleep(1)
    if leave is not None and not is_gone(fd):
        with contextlib.suppress(RuntimeError):  # the loop has ended by now
            leave()
        time.sleep(_LAST_CHANCE_S)
    _end(last_chance)


def _end(last_chance: Callable[[], None] | None) -> None:
    try:
        if last_chance is not None:
            chance = threading.Thread(target=last_chance, daemon=True, name="pgscope-last-chance")
            chance.start()
            chance.join(_LAST_CHANCE_S)
    finally:
        os._exit(EXIT_STATUS)
