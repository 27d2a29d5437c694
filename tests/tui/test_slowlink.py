"""A slow terminal: echoes stay quick, snapshots are left out, nothing is lost in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App

from pgscope.tui.slowlink import ASK, FIRST_ANSWER_S, LOST_BEFORE_MUTE, DrainLog, LatestPaint

CHILD = Path(__file__).with_name("slowlink_child.py")
RATE = 20_000
PATIENCE_S = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_frame_is_waited_for_until_it_is_answered() -> None:
    log = DrainLog(Clock())
    waits = [log.waiting]
    log.asked(1000)
    log.asked(0)
    waits.append(log.waiting)
    for _ in range(2):
        log.answered()
        waits.append(log.waiting)
    assert waits == [False, True, True, False]


def test_a_terminal_that_never_answers_is_asked_no_more() -> None:
    clock = Clock()
    log = DrainLog(clock)
    log.asked(1000)
    clock.now += FIRST_ANSWER_S + 0.1
    assert not log.waiting
    assert not log.asks
    log.sent()
    assert log.slice_bytes == 0
    clock.now += 1
    assert log.slice_bytes


def test_one_that_answered_once_is_given_several_chances() -> None:
    clock = Clock()
    log = DrainLog(clock)
    log.asked(0)
    log.answered()
    for _ in range(LOST_BEFORE_MUTE):
        assert log.asks
        log.asked(1000)
        clock.now += 60
        assert not log.waiting
    assert not log.asks
    log.answered()
    assert log.asks


@pytest.mark.parametrize(("rate", "sliced"), [(20_000, True), (2_000_000, False)])
def test_slices_follow_the_measured_rate_and_a_long_round_trip_is_not_a_slow_link(
    rate: int, sliced: bool
) -> None:
    clock = Clock()
    log = DrainLog(clock)
    for size in (100, 10_000, 0, 3000, 3000):
        log.asked(size)
        clock.now += 0.15 + size / rate
        log.answered()
    found = log.slice_bytes
    assert (found is not None) == sliced
    if found is not None:
        assert rate * 0.05 <= found <= rate * 0.2


async def test_only_the_latest_snapshot_is_painted_once_the_terminal_is_free() -> None:
    app: App[None] = App()
    busy = False
    painted: list[int] = []
    async with app.run_test() as pilot:
        painter = LatestPaint[int](app, painted.append, lambda _: busy)
        painter.offer(1)
        busy = True
        for n in (2, 3, 4):
            painter.offer(n)
        await pilot.pause(0.1)
        assert painted == [1]
        busy = False
        until = time.monotonic() + PATIENCE_S
        while len(painted) < 2 and time.monotonic() < until:
            await pilot.pause(0.02)
        painter.offer(5)
        assert painted == [1, 4, 5]
        assert painter.skipped == 2


class SlowTerminal:
    """A pseudo-terminal behind a link of 20 kB/s with room for everything in between, as SSH has."""

    def __init__(self, every: float, answers: bool) -> None:
        self.answers = answers
        self.waiting = bytearray()
        self.read = bytearray()
        self.lock = threading.Lock()
        self.asked = 0
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), str(every)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(slave)
        self.last = time.monotonic()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            with self.lock:
                self.waiting += data

    def carry(self) -> None:
        """Let the link carry what it can in a moment, and answer what is asked."""
        time.sleep(0.01)
        now = time.monotonic()
        count = int(min(now - self.last, 0.05) * RATE)
        self.last = now
        start = max(0, len(self.read) - len(ASK))
        with self.lock:
            self.read += self.waiting[:count]
            del self.waiting[:count]
        while (at := self.read.find(ASK.encode(), start)) >= 0:
            self.asked += 1
            del self.read[at : at + len(ASK)]
            if self.answers:
                os.write(self.master, b"\x1b[1;1R")

    def until(self, pattern: bytes) -> float:
        """Carry until the screen has shown the pattern. Returns the seconds it took."""
        started = time.monotonic()
        while not re.search(pattern, self.read):
            assert time.monotonic() - started < PATIENCE_S, f"{pattern!r} never came"
            self.carry()
        return time.monotonic() - started

    def key(self, key: bytes) -> None:
        self.read.clear()
        os.write(self.master, key)


@pytest.fixture
def slow(request: pytest.FixtureRequest) -> Iterator[SlowTerminal]:
    terminal = SlowTerminal(*request.param)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.master)


@pytest.mark.parametrize("slow", [(0.2, True), (1.0, False)], indirect=True)
def test_keys_are_echoed_quickly_on_a_slow_link(slow: SlowTerminal) -> None:
    slow.until(rb"key0\.")
    started = time.monotonic()
    while time.monotonic() - started < 5:  # let it learn the rate, or that nobody answers
        slow.carry()
    echoes = []
    for n in range(1, 16):
        slow.key(b"x")
        echoes.append(slow.until(rb"key%d\." % n))
        for _ in range(n % 5 * 4):
            slow.carry()
    echoes.sort()
    # Without slices and left out snapshots this grows to many seconds; the bound allows for a busy machine.
    assert echoes[len(echoes) // 2] < 1.0
    assert slow.asked < 10 or slow.answers
    slow.key(b"q")
    started = time.monotonic()
    while slow.process.poll() is None and time.monotonic() - started < PATIENCE_S:
        slow.carry()
    assert slow.process.returncode == 0
