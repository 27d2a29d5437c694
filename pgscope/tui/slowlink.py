"""Know when the terminal has not yet got the last frame; then paint only the latest snapshot, in slices.

Bytes that a program has written may wait for seconds in a pseudo-terminal, in sshd and in the network, where
no system call sees them. Only the far end knows: after each frame `DrainDriver` asks for the cursor position
(`CSI 6 n`), which every common terminal answers once it has read up to there. Where nothing answers, what is
left is whether Textual's writer thread is stuck.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from pgscope.tui import hush
from pgscope.tui.keyreader import Exit, read_keys

T = TypeVar("T")

ASK: Final = "\x1b[6n"
ASK_FROM_BYTES: Final = 512  # smaller writes, such as the echo of a key, are not asked about
FIRST_ANSWER_S: Final = 2.0
LATER_ANSWER_S: Final = 5.0
LOST_BEFORE_MUTE: Final = 3
EXIT_WAIT_S: Final = 1.0
LOOK_EVERY_S: Final = 0.05
FAST_BYTES_PER_S: Final = 64_000  # from here on a whole frame is no obstacle to the echo of a key
SLICE_S: Final = 0.1
LONGEST_ROUND_TRIP_S: Final = 0.3  # a longer one was measured while something was busy
PROBES: Final = 4
UNHEARD_BYTES_PER_S: Final = 16_000


class DrainLog:
    """The questions that the terminal has not answered yet. Used from two threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: deque[tuple[float, int]] = deque()
        self._last_sent = 0.0
        self._round_trip: float | None = None
        self._probes = 0
        self._lost = 0
        self._heard = False
        self._clear = threading.Event()
        self._clear.set()
        self.bytes_per_second: float | None = None
        """What the link carried lately; None until it was measured."""

    @property
    def asks(self) -> bool:
        """Whether it is worth asking: terminals that never answer are let alone."""
        return not self.mute

    @property
    def mute(self) -> bool:
        """Whether the terminal has proved not to answer."""
        return self._lost >= (LOST_BEFORE_MUTE if self._heard else 1)

    def asked(self, size: int) -> None:
        """A question went out after `size` bytes."""
        with self._lock:
            self._asked.append((self._clock(), size))
            self._clear.clear()

    def sent(self) -> None:
        """A frame went out, with or without a question."""
        self._last_sent = self._clock()

    def answered(self) -> bool:
        """An answer came in, to the oldest question. True if it is time to measure a bare round trip."""
        with self._lock:
            self._heard = True
            self._lost = 0
            if self._asked:
                at, size = self._asked.popleft()
                self._measure(self._clock() - at, size)
            if self._asked:
                return False
            self._clear.set()
            self._probes += 1
            return self._probes <= PROBES

    def _measure(self, seconds: float, size: int) -> None:
        """Learn the link's rate: what a frame took longer than the shortest bare round trip."""
        if size < ASK_FROM_BYTES:
            self._round_trip = seconds if self._round_trip is None else min(seconds, self._round_trip)
        else:
            bare = min(self._round_trip or 0.0, LONGEST_ROUND_TRIP_S)
            rate = size / max(seconds - bare, 1e-4)
            before = self.bytes_per_second
            self.bytes_per_second = rate if before is None else min(before + rate, 2 * rate) / 2

    @property
    def slice_bytes(self) -> int | None:
        """How much may be painted now: None for any amount, 0 for nothing yet."""
        waiting = self.waiting
        if self.mute:
            rate = float(UNHEARD_BYTES_PER_S)
            waiting = self._clock() - self._last_sent < SLICE_S
        elif self.bytes_per_second is None or self.bytes_per_second >= FAST_BYTES_PER_S:
            return None
        else:
            rate = self.bytes_per_second
        return 0 if waiting else max(ASK_FROM_BYTES, round(rate * SLICE_S))

    @property
    def waiting(self) -> bool:
        """Whether an answer is due. One that is long overdue is given up."""
        with self._lock:
            if not self._asked:
                return False
            patience = LATER_ANSWER_S if self._heard else FIRST_ANSWER_S
            if self._clock() - self._asked[0][0] <= patience:
                return True
            self._lost += 1
            self._asked.clear()
            self._clear.set()
            return False

    def wait_clear(self, seconds: float) -> None:
        """Wait for the answers that are due, unless the terminal is one that does not answer."""
        if not self.mute:
            self._clear.wait(seconds)


class DrainDriver(LinuxDriver):
    """Textual's own driver, which also asks the terminal after each frame whether it has got it.

    Use it as `App(driver_class=DrainDriver)`.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.drain = DrainLog()
        self.exit_event = self._exit = Exit()
        self._unasked = 0

    def write(self, data: str) -> None:
        """Count what goes out."""
        super().write(data)
        self._unasked += len(data)

    def flush(self) -> None:
        """The end of a frame: ask, if it was more than a few bytes."""
        super().flush()
        if self._unasked >= ASK_FROM_BYTES:
            self._ask()

    def run_input_thread(self) -> None:
        """Read the keys."""
        read_keys(self.fileno, self._exit, self.process_message, self._debug)

    def start_application_mode(self) -> None:
        """Ask once before the first frame: the answer takes one bare round trip."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # What Textual puts back is what was there before we said that keys be not echoed.
        if self.attrs_before is not None and (before := hush.before()) is not None:
            self.attrs_before = before
        self._ask()

    def _ask(self) -> None:
        size, self._unasked = self._unasked, 0
        self.drain.sent()
        if self.input_tty and self.drain.asks:
            self.drain.asked(size)
            super().write(ASK)

    def process_message(self, message: Message) -> None:
        """Take the answers out of the input (in the input thread)."""
        if isinstance(message, events.CursorPosition):
            if self.drain.answered():
                self.drain.asked(0)
                super().write(ASK)
            return
        super().process_message(message)

    def _sigtstp_application(self, *_: object) -> None:
        """Give the terminal back, then stop the whole group, as the terminal itself would.

        A parent in our group (`uv run`, a script) that went on would be waited for by the shell, for ever.
        """
        if self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
        handler = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGSTOP)
        signal.signal(signal.SIGTSTP, handler)

    def disable_input(self) -> None:
        """Hear the last answers first: they would be typed into the shell."""
        if not self.exit_event.is_set():
            self.drain.wait_clear(EXIT_WAIT_S)
        super().disable_input()


def _writer_stuck(driver: Driver) -> bool:
    """Whether Textual's writer thread has text left or waits for the terminal to take some."""
    writer = getattr(driver, "_writer_thread", None)
    if writer is None:
        return False
    if writer._queue.qsize():
        return True
    poll = select.poll()
    try:
        poll.register(writer.fileno(), select.POLLOUT)
        return not poll.poll(0)
    except (OSError, ValueError):
        return False  # closed: the hang-up watch deals with that


def terminal_backlogged(app: App[Any]) -> bool:
    """Whether the terminal has not got all of the last frame yet, as far as anyone can tell."""
    driver = app._driver
    if driver is None or app.is_headless:
        return False
    return _writer_stuck(driver) or (isinstance(driver, DrainDriver) and driver.drain.waiting)


def paint_budget(app: App[Any]) -> int | None:
    """How many bytes a widget may ask to paint now, so that the echo of a key need not wait behind them.

    None: as many as it likes (a fast link, or one not measured yet). 0: look again soon.
    """
    driver = app._driver
    if app.is_headless or not isinstance(driver, DrainDriver):
        return None
    return driver.drain.slice_bytes


class LatestPaint(Generic[T]):
    """Paints snapshots, leaving out those that come while the terminal is still busy with an earlier one.

    The newest of those left out is painted as soon as the terminal is free. A timer runs only while one
    waits.
    """

    def __init__(
        self,
        app: App[Any],
        paint: Callable[[T], None],
        backlogged: Callable[[App[Any]], bool] = terminal_backlogged,
    ) -> None:
        self._app = app
        self._paint = paint
        self._backlogged = backlogged
        self._held: list[T] = []
        self.skipped = 0
        """How many snapshots were never painted, because newer ones came before the terminal was free."""

    def offer(self, snapshot: T) -> None:
        """Paint the snapshot now, or as soon as the terminal is free unless a newer one has come by then."""
        if self._held:
            self._held[0] = snapshot
            self.skipped += 1
        elif self._backlogged(self._app):
            self._held.append(snapshot)
            self._app.set_timer(LOOK_EVERY_S, self._look)
        else:
            self._paint(snapshot)

    def _look(self) -> None:
        if not self._held:
            return
        if self._backlogged(self._app):
            self._app.set_timer(LOOK_EVERY_S, self._look)
        else:
            self._paint(self._held.pop())
