"""The installed program on a real pseudo-terminal, from start to quit."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pexpect
import psycopg
import pyte
import pytest

from pgscope.embedded import EmbeddedServer

_PATIENCE = 90.0
HOSTILE = "x\x1b]52;c;b3duZWQ=\x07\x1b[31m[/foo][red]y\u202e"


class Terminal:
    """A program on a pty, and what a terminal of that size would show."""

    def __init__(self, *arguments: str, columns: int = 80, rows: int = 24) -> None:
        program = shutil.which("pgscope", path=str(Path(sys.executable).parent))
        assert program is not None, "pgscope is not installed beside the interpreter"
        self.child = pexpect.spawn(program, list(arguments), dimensions=(rows, columns), timeout=1)
        self.bytes = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self._screen.display)

    def read(self) -> bool:
        """Take in what the program wrote in the next moment; whether it is still there."""
        try:
            got = cast(bytes, self.child.read_nonblocking(65536, timeout=0.2))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.bytes += got
        # pyte does not know the private sequences that ask a terminal what it can do.
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]* q", b"", got))
        return True

    def until(self, words: str) -> None:
        """Wait until the words are on the screen."""
        until = time.monotonic() + _PATIENCE
        while words not in self.text:
            assert time.monotonic() < until, f"no {words!r} on the screen:\n{self.text}"
            assert self.read(), f"it ended:\n{self.text}"

    def ended(self) -> int | None:
        """Wait for the end; the exit status."""
        until = time.monotonic() + _PATIENCE
        while self.read():
            assert time.monotonic() < until, f"it does not end:\n{self.text}"
        self.child.close()
        return int(self.child.exitstatus) if self.child.exitstatus is not None else None


@pytest.fixture
def hostile(pg18: EmbeddedServer) -> Iterator[str]:
    """A server with a session whose texts would like to take over the terminal."""
    with psycopg.connect(pg18.conninfo, autocommit=True, application_name="t-hostile") as client:
        client.execute("select pg_sleep(0) /* " + HOSTILE.replace("'", "") + " */")
        yield pg18.conninfo


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60)])
def test_from_start_to_quit(hostile: str, columns: int, rows: int) -> None:
    terminal = Terminal("connect", hostile, columns=columns, rows=rows)
    terminal.until("t-hostile")
    for key, words in (("2", "pid"), ("3", "calls/s"), ("4", "Nobody waits"), ("5", "Findings")):
        terminal.child.send(key)
        terminal.until(words)
    terminal.child.send("2")
    terminal.until("t-hostile")
    terminal.child.send("/")
    terminal.until("Keep")
    terminal.child.send("app:t-hostile")
    terminal.until("1 of ")
    terminal.child.send("\r")
    terminal.until("Open")
    terminal.child.send("\r")
    terminal.until("[/foo]")
    terminal.child.send("q")
    assert terminal.ended() == 0
    # Nothing that the server sent was obeyed, and the terminal is as it was before.
    assert b"\x1b]52" not in terminal.bytes
    assert b"\x1b[31m[/foo]" not in terminal.bytes
    assert "\u202e".encode() not in terminal.bytes
    assert terminal.bytes.rfind(b"\x1b[?1049l") > terminal.bytes.rfind(b"\x1b[?1049h")
    assert b"\x1b[?25h" in terminal.bytes[terminal.bytes.rfind(b"\x1b[?1049h") :]


def test_a_failed_connection_draws_no_screen() -> None:
    terminal = Terminal("connect", "-h", "/no/such/folder")
    assert terminal.ended() == 3
    assert b"\x1b[?1049h" not in terminal.bytes
    assert b"check that the server runs" in terminal.bytes.replace(b"\r\n", b" ")
