"""The installed program in a real terminal, from start to quit."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from pgscope.embedded import EmbeddedServer

COLUMNS, LINES = 80, 24
PATIENCE = 60.0
PROGRAM = Path(sys.executable).with_name("pgscope")


class Terminal:
    """A program and what its terminal shows."""

    def __init__(self, *arguments: str) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
        self.child = pexpect.spawn(
            str(PROGRAM), list(arguments), dimensions=(LINES, COLUMNS), env=environment, timeout=PATIENCE
        )
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.screen.display)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Read until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"never: {what}\n{self.text}"
            try:
                read: bytes = self.child.read_nonblocking(65536, timeout=1)  # type: ignore[assignment]
            except pexpect.TIMEOUT:
                continue
            self.raw += read
            self._stream.feed(read)

    def shows(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self.wait(lambda: text in self.text, text)


@pytest.fixture
def terminal(pg18: EmbeddedServer) -> Iterator[Terminal]:
    made = Terminal("connect", pg18.conninfo, "--interval", "0.5")
    yield made
    if made.child.isalive():
        made.child.close(force=True)


def test_from_start_to_quit(terminal: Terminal) -> None:
    terminal.shows("1 Applications")
    terminal.shows("PostgreSQL 18")
    terminal.child.send("o")
    terminal.shows("pgscope")
    terminal.child.send("2")
    terminal.shows("statement")
    terminal.child.send("3")
    terminal.shows("time%")
    terminal.child.send("/")
    terminal.shows("Keep")
    terminal.child.send("nothing-like-it\r")
    terminal.shows("/ nothing-like-it")
    terminal.child.send("\x1b")
    terminal.wait(lambda: "nothing-like-it" not in terminal.text, "the filter cleared")
    terminal.child.send(" ")
    terminal.shows("PAUSED")
    terminal.child.send("q")
    rest: bytes = terminal.child.read()  # type: ignore[assignment]
    terminal.child.wait()
    assert terminal.child.exitstatus == 0
    assert b"\x1b[?1049l" in terminal.raw + rest, "the shell's screen is back"


def test_ends_when_its_terminal_goes_away(terminal: Terminal) -> None:
    terminal.shows("1 Applications")
    os.close(terminal.child.child_fd)
    deadline = time.monotonic() + PATIENCE
    while terminal.child.isalive():
        assert time.monotonic() < deadline, "it runs without a terminal"
        time.sleep(0.05)
