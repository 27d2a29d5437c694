"""From the first moment to the screen: something is said, and keys leave no junk, neither here nor there."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import termios
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.tui.terminal import PROGRAM, Terminal

RECORDING = Path(__file__).with_name("shop.pgscope")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


def _echoes(terminal: Terminal) -> bool:
    return bool(termios.tcgetattr(terminal.child.child_fd)[3] & termios.ECHO)


def _stops(terminal: Terminal) -> bool:
    return bool(termios.tcgetattr(terminal.child.child_fd)[6][termios.VSUSP] != b"\0")


@pytest.mark.parametrize("ended_by", ["ctrl-c", "sigterm"])
def test_no_key_is_echoed_while_a_server_does_not_answer(silent: int, ended_by: str) -> None:
    secret = f"postgresql://u:hunter2@127.0.0.1:{silent}/shop"
    # A shell that outlives pgscope, and reads what is left in the terminal.
    script = f"trap : INT; {PROGRAM} connect {shlex.quote(secret)}; echo status $?; cat"
    with Terminal("-c", script, program="sh") as terminal:
        terminal.until("connecting to shop@127.0.0.1")
        assert not _echoes(terminal)
        assert "hunter2" not in terminal.text
        terminal.press("jjjjunk\r3")
        if ended_by == "ctrl-c":
            terminal.press("\x03", "status 130")
        else:
            os.kill(_child_of(terminal.child.pid), signal.SIGTERM)
            terminal.until("status 143")
        assert _echoes(terminal)
        assert _stops(terminal)
        assert "junk" not in terminal.text
        assert "connecting" not in terminal.text
        terminal.press("typed\r")
        terminal.until(partial(_twice, terminal, "typed"), "the echo, and what cat read")
        assert "junk" not in terminal.text


def test_a_recording_is_said_to_be_read_and_the_terminal_is_as_it_was() -> None:
    with Terminal("-c", f"{PROGRAM} replay {RECORDING}; echo status $?; cat", program="sh") as terminal:
        terminal.until("1 Applications")
        said = terminal.bytes.index(b"reading ")
        assert said < terminal.bytes.index(b"\x1b[?1049h")
        terminal.press("q")
        terminal.until("status 0")
        assert _echoes(terminal)
        assert _stops(terminal)


def _twice(terminal: Terminal, word: str) -> bool:
    return terminal.text.count(word) == 2


def _child_of(pid: int | None) -> int:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True)
    children = [int(line.split()[0]) for line in listed.stdout.splitlines() if line.split()[1] == str(pid)]
    return children[0]
