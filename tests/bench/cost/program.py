"""A program on a real terminal, and what it takes: processor, memory, bytes; on both sides."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyte

from tests.proxy import Counted, Proxy

COLUMNS, LINES = 160, 48
PATIENCE = 40.0
_ANSWERS = ((b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b[c", b"\x1b[?62;22c"))
"""What a terminal answers when it is asked where the cursor is, and what it is: some programs wait for it."""


@dataclass(frozen=True)
class Cost:
    """What a program cost, each second where not said otherwise."""

    name: str
    problem: str = ""
    first_paint: float = 0.0
    """Seconds from start until rows are on the screen."""
    server_ms: float = 0.0
    """Processor time of its backends, ms."""
    received: float = 0.0
    """Bytes from the server."""
    rows: float = 0.0
    round_trips: float = 0.0
    client_ms: float = 0.0
    """Processor time of the program, all threads and children, ms."""
    memory: float = 0.0
    """The most it held (VmHWM), bytes."""
    painted: float = 0.0
    """Bytes to the terminal."""
    echo_ms: float = 0.0
    """From a key to the first byte that it brings to the screen, 99th percentile, ms; 0 if not measured."""


def backend_ns(counted: Counted) -> int:
    """Processor time of a backend so far, ns; what it had when it ended, if it did."""
    if counted.ended or not counted.pid:
        return counted.cpu_ns
    try:
        return int(Path(f"/proc/{counted.pid}/schedstat").read_text().split()[0])
    except OSError:
        return counted.cpu_ns


@dataclass(frozen=True)
class _Mark:
    """All counters at one moment."""

    at: float
    server_ns: int
    received: int
    rows: int
    round_trips: int
    client: float
    painted: int


class Run:
    """One run of a program."""

    def __init__(
        self, name: str, command: Sequence[str], proxy: Proxy, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._proxy = proxy
        proxy.connections.clear()
        proxy.on_end = self._backend_ends
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._painted = 0
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._began = time.monotonic()
        self._child = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            start_new_session=True,
        )
        os.close(slave)
        self._master = master
        # Not select: with thousands of sessions the number of the file is beyond what that takes.
        self._readable = select.poll()
        self._readable.register(master, select.POLLIN)
        self._process = psutil.Process(self._child.pid)

    @staticmethod
    def _backend_ends(counted: Counted) -> None:
        counted.cpu_ns = backend_ns(counted)

    def measure(self, marker: str, keys: bytes, warm: float, seconds: float, echo: bytes = b"") -> Cost:
        """Wait for the marker on the screen, press keys, let it settle, measure; then keys for the echo."""
        try:
            painted = self._until(marker)
            if painted is None:
                lines = [line.strip() for line in self._screen.display if line.strip()]
                return Cost(self.name, "; ".join(lines[-3:])[:200] or "shows nothing")
            if keys:
                os.write(self._master, keys)
            self._drain(warm)
            before = self._mark()
            self._drain(seconds)
            after = self._mark()
            took = after.at - before.at
            memory = self._memory()
            return Cost(
                self.name,
                first_paint=painted,
                server_ms=(after.server_ns - before.server_ns) / 1e6 / took,
                received=(after.received - before.received) / took,
                rows=(after.rows - before.rows) / took,
                round_trips=(after.round_trips - before.round_trips) / took,
                client_ms=(after.client - before.client) * 1000 / took,
                memory=memory,
                painted=(after.painted - before.painted) / took,
                echo_ms=self._echo(echo) if echo else 0.0,
            )
        finally:
            self._end()

    def _until(self, marker: str) -> float | None:
        while time.monotonic() - self._began < PATIENCE:
            data = self._read(0.2)
            if data is None:
                return None
            self._stream.feed(data)
            if data and any(marker in line for line in self._screen.display):
                return time.monotonic() - self._began
        return None

    def _read(self, timeout: float) -> bytes | None:
        """What came; None when the program has ended."""
        if not self._readable.poll(max(timeout, 0.0) * 1000):
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return None
        self._painted += len(data)
        for question, answer in _ANSWERS:
            if question in data:
                os.write(self._master, answer * data.count(question))
        return data or None

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._read(left) is None:
                return

    def _mark(self) -> _Mark:
        counted = list(self._proxy.connections)
        return _Mark(
            time.monotonic(),
            sum(backend_ns(one) for one in counted),
            sum(one.received for one in counted),
            sum(one.rows for one in counted),
            sum(one.round_trips for one in counted),
            self._seconds(),
            self._painted,
        )

    def _seconds(self) -> float:
        """Processor time so far, of the threads that there are: that of a process comes in ticks of 10 ms."""
        spent = 0
        for one in (self._process, *self._process.children(recursive=True)):
            for thread in Path(f"/proc/{one.pid}/task").iterdir():
                spent += int((thread / "schedstat").read_text().split()[0])
        return spent / 1e9

    def _memory(self) -> float:
        most = 0.0
        for one in [self._process, *self._process.children(recursive=True)]:
            for line in Path(f"/proc/{one.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    most += float(line.split()[1]) * 1024
        return most

    def _echo(self, keys: bytes) -> float:
        """The keys in turn, a hundred, not in step with the polls."""
        took = []
        for turn in range(100):
            self._drain(0.13)
            while self._read(0.0):
                pass
            began = time.monotonic()
            os.write(self._master, keys[turn % len(keys) :][:1])
            while not self._read(0.5) and time.monotonic() - began < 5:
                pass
            took.append((time.monotonic() - began) * 1000)
        return sorted(took)[98]

    def _end(self) -> None:
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGTERM)
            try:
                self._drain(1.0)
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)
                self._child.wait()
        os.close(self._master)
