"""The terminal goes away: the process ends by itself, in each of the ways in which a terminal goes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgscope.tui.hangup import EXIT_STATUS, watch_hangup

CHILD = Path(__file__).with_name("hangup_child.py")
PATIENCE_S = 60.0


def ignore_sighup_with_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def no_controlling_terminal() -> None:
    os.setsid()


CASES = {
    "SIGHUP ignored": ignore_sighup_with_terminal,
    "terminal not controlling": no_controlling_terminal,
    "connection dropped": own_terminal,
}


class Terminal:
    """A pseudo-terminal with the child program in it."""

    def __init__(self, case: str, note: Path) -> None:
        self.master, slave = pty.openpty()
        self.note = note
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), str(note)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=CASES[case],
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        """Read the screen, as a terminal would, until the note says so."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if select.select([self.master], [], [], 0.05)[0]:
                os.read(self.master, 65536)
            if self.note.exists() and self.note.read_text() == text:
                return
        raise AssertionError(f"the child never said {text!r}")

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1


@pytest.fixture
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(request.param, tmp_path / "note")
    yield found
    found.process.kill()
    found.process.wait()
    if found.master >= 0:
        found.hang_up()


@pytest.mark.parametrize("terminal", list(CASES), indirect=True)
def test_the_process_ends_when_its_terminal_goes(terminal: Terminal) -> None:
    terminal.wait_for("ready")
    terminal.hang_up()
    assert terminal.process.wait(PATIENCE_S) == EXIT_STATUS
    assert terminal.note.read_text() == "last chance"


@pytest.mark.parametrize("terminal", ["terminal not controlling"], indirect=True)
def test_a_hang_up_signal_alone_ends_it_too(terminal: Terminal) -> None:
    terminal.wait_for("ready")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.process.wait(PATIENCE_S) == EXIT_STATUS
    assert terminal.note.read_text() == "last chance"


def test_what_is_no_terminal_is_not_watched() -> None:
    reader, writer = os.pipe()
    try:
        assert watch_hangup(fd=reader) is None
        assert watch_hangup(fd=-1) is None
    finally:
        os.close(reader)
        os.close(writer)
