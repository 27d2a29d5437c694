"""The installed program on a real pseudo-terminal, from start to quit."""

from __future__ import annotations

import os
import re
import signal
import termios
import time
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from pgscope.embedded import EmbeddedServer
from tests.tui.record_shop import FILE
from tests.tui.terminal import PATIENCE, PROGRAM, Terminal

HOSTILE = "x\x1b]52;c;b3duZWQ=\x07\x1b[31m[/foo][red]y\u202e"


@pytest.fixture
def hostile(pg18: EmbeddedServer) -> Iterator[str]:
    """A server with a session whose texts would like to take over the terminal."""
    with psycopg.connect(pg18.conninfo, autocommit=True, application_name="t-hostile") as client:
        client.execute("select pg_sleep(0) /* " + HOSTILE.replace("'", "") + " */")
        yield pg18.conninfo


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60)])
def test_from_start_to_quit(hostile: str, columns: int, rows: int) -> None:
    with Terminal("connect", hostile, "--interval", "0.5", columns=columns, rows=rows) as terminal:
        terminal.until("t-hostile")
        assert "PostgreSQL 18" in terminal.text
        for key, words in (("2", "pid"), ("3", "calls/s"), ("4", "Nobody waits"), ("5", "Findings")):
            terminal.press(key, words)
        terminal.press("2", "t-hostile")
        terminal.press("/app:t-hostile", "1 of ")
        terminal.press("\r", "Open")
        terminal.press("\r", "[/foo]")
        terminal.press("\x1b", "/ app:t-hostile")
        terminal.press("\x1b")
        terminal.until(lambda: "/ app:t-hostile" not in terminal.text, "the filter cleared")
        terminal.press(" ", "PAUSED")
        terminal.press("q")
        assert terminal.ended() == 0
    # Nothing that the server sent was obeyed, and the terminal is as it was before.
    assert b"\x1b]52" not in terminal.bytes
    assert b"\x1b[31m[/foo]" not in terminal.bytes
    assert "\u202e".encode() not in terminal.bytes
    assert terminal.bytes.rfind(b"\x1b[?1049l") > terminal.bytes.rfind(b"\x1b[?1049h")
    assert b"\x1b[?25h" in terminal.bytes[terminal.bytes.rfind(b"\x1b[?1049h") :]


def test_keys_typed_at_once_take_effect_in_their_order(hostile: str) -> None:
    with Terminal("connect", hostile, "--interval", "0.5") as terminal:
        terminal.until("t-hostile")
        # A view not opened yet, its filter, text with letters that are keys of the rows, Enter, and a key of
        # the rows: in one write, as from a macro or a slow link that delivers a burst.
        terminal.press("2/app:t-hostile query:pg_sleep\ry", "1 of ")
        terminal.until("Sent to the terminal", "what y copies, and not a y in the filter")
        # Beside the tabs there is no room for all of it; opened again it is whole.
        terminal.press("/", "/ app:t-hostile query:pg_sleep ")
        terminal.press("\x1b")
        terminal.until(lambda: "/ app:" not in terminal.text, "the filter cleared")
        terminal.press("/\x1b[200~app:t-hostile\x1b[201~\r", "/ app:t-hostile")
        terminal.press("\x1b")
        terminal.until(lambda: "/ app:" not in terminal.text, "the filter cleared")
        terminal.press("4/zzz\r3", "/ zzz")
        terminal.until("time%", "the view asked for behind the filter")
        terminal.press("q")
        assert terminal.ended() == 0


def test_ends_when_its_terminal_goes_away(hostile: str) -> None:
    with Terminal("connect", hostile) as terminal:
        terminal.until("1 Applications")
        os.close(terminal.child.child_fd)
        deadline = time.monotonic() + PATIENCE
        while terminal.child.isalive():
            assert time.monotonic() < deadline, "it runs without a terminal"
            time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals) -> None:
    """Whoever ends it so, the shell in the terminal goes on."""
    with Terminal("replay", str(FILE)) as terminal:
        terminal.until("1 Applications")
        _, _, _, local, *_ = termios.tcgetattr(terminal.child.child_fd)
        assert not local & termios.ICANON
        terminal.child.kill(number)
        while terminal.read():
            pass
        _, _, _, local, *_ = termios.tcgetattr(terminal.child.child_fd)
        assert local & termios.ICANON and local & termios.ECHO
        assert terminal.ended() == 128 + number
        for mode in (b"\x1b[?1049", b"\x1b[?1000", b"\x1b[?1003"):
            assert terminal.bytes.rfind(mode + b"l") > terminal.bytes.rfind(mode + b"h") > -1
        assert terminal.bytes.rfind(b"\x1b[?25h") > terminal.bytes.rfind(b"\x1b[?25l")


def test_a_failed_connection_draws_no_screen() -> None:
    with Terminal("connect", "-h", "/no/such/folder") as terminal:
        assert terminal.ended() == 3
    assert b"\x1b[?1049h" not in terminal.bytes
    assert b"check that the server runs" in terminal.bytes.replace(b"\r\n", b" ")


def test_several_servers_on_one_screen(hostile: str, pg18_database: str) -> None:
    gone = "host=127.0.0.1 port=1"
    with Terminal("connect", hostile, pg18_database, gone, "--interval", "0.5", columns=120) as terminal:
        terminal.until("3 servers")
        terminal.until("1 down")
        terminal.press("/postgres@\r\r", "1 other down")
        terminal.until("t-hostile")
        # A frame may be read in two parts.
        terminal.until(lambda: "/ postgres@" not in terminal.text, "that filter is the fleet's")
        terminal.press("0", "3 servers")
        terminal.press("q")
        assert terminal.ended() == 0
    with Terminal("connect", gone, "host=127.0.0.1 port=2") as terminal:
        assert terminal.ended() == 3
    assert b"none of the 2 servers answers" in terminal.bytes


@pytest.mark.parametrize(
    ("environment", "columns", "rows"),
    [
        (
            {"TERM": "linux", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            80,
            24,
        ),
        ({"TERM": "linux", "LANG": "", "LC_ALL": "C", "PYTHONUTF8": ""}, 80, 24),
        ({"TERM": "screen", "LANG": "C", "LC_ALL": "", "LC_CTYPE": "", "PYTHONUTF8": ""}, 80, 24),
        ({"TERM": "screen", "NO_COLOR": "1"}, 40, 10),
    ],
    ids=["linux-ascii", "linux-c", "screen-lang-c", "screen-no-color-40x10"],
)
def test_poor_terminals(hostile: str, environment: dict[str, str], columns: int, rows: int) -> None:
    with Terminal("connect", hostile, environment=environment, columns=columns, rows=rows) as terminal:
        terminal.until("t-hostile")
        if "NO_COLOR" in environment:
            terminal.until("? Help…")
            terminal.until(lambda: "Open" in terminal.screen.display[-1], "Open, when there is a row")
            assert not colours(terminal.bytes), "no colour was sent"
            footer = terminal.screen.display[-1]
            assert footer.strip().endswith("? Help…"), "there are more keys, and one that tells them"
        else:
            assert terminal.bytes.isascii()
            terminal.press("2", "t-hostile")
            terminal.press("T", "Yes, do it")
            assert "+----" in terminal.text
            terminal.press("\x1b")
            terminal.until(lambda: "Yes, do it" not in terminal.text, "the question gone")
            terminal.press("\x10", "Search for a command")
            assert "???" not in terminal.text
            terminal.press("\x1b")
            terminal.until(lambda: "Search for" not in terminal.text, "the palette gone")
            assert b"???" not in terminal.bytes
        for key in "23456":
            terminal.press(key)
        terminal.press("?", "Every plan that was made")
        terminal.press("?")
        terminal.until(lambda: "Every plan that was made" not in terminal.text, "the help closed")
        assert r"\u" not in terminal.text, "a sign that this terminal does not have"
        terminal.press("q")
        assert terminal.ended() == 0


def colours(sent: bytes) -> list[bytes]:
    """The sequences that set a colour."""
    return re.findall(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38;|48;)[0-9;]*m", sent)


def test_no_mouse_leaves_the_mouse_to_the_terminal(hostile: str) -> None:
    asked = re.compile(rb"\x1b\[\?(?:1000|1002|1003|1006|1015|1016)h")
    for options, wanted in (((), True), (("--no-mouse",), False)):
        with Terminal("connect", hostile, "--interval", "0.5", *options) as terminal:
            terminal.until("t-hostile")
            terminal.press("2", "pid")
            terminal.press("q")
            assert terminal.ended() == 0
            assert bool(asked.search(terminal.bytes)) is wanted


def _times(terminal: Terminal, sequence: bytes, times: int) -> bool:
    return terminal.bytes.count(sequence) == times


def test_ctrl_z_gives_the_shell_back_and_fg_the_screen(hostile: str) -> None:
    # As under `uv run`: the shell waits for a parent that stands in the group of pgscope.
    inner = f"'{PROGRAM}' connect '{hostile}'; :"
    with Terminal("--norc", "--noprofile", "-i", program="bash", environment={"PS1": "shell> "}) as terminal:
        terminal.until("shell> ")
        terminal.press(f'sh -c "{inner}"\r', "t-hostile")
        for times in (1, 2):
            terminal.press("\x1a")
            terminal.until(partial(_times, terminal, b"Stopped", times), "stopped")
            terminal.press(f"echo $((40+{times}))\r", f"{40 + times}")
            terminal.press("fg\r")
            terminal.until(partial(_times, terminal, b"\x1b[?1049h", 1 + times), "again")
            terminal.press("2", "pid")
            terminal.press("1", "1 Applications")
        terminal.press("q")
        terminal.until(lambda: terminal.bytes.endswith(b"shell> "), "the shell again")


def test_there_is_no_stop_where_no_shell_would_bring_it_back(hostile: str) -> None:
    with Terminal("connect", hostile) as terminal:
        terminal.until("t-hostile")
        terminal.press("\x1a", "no shell here")
        terminal.press("\x03", "q quits")
        terminal.press("q")
        assert terminal.ended() == 0
