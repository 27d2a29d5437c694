"""The thread that reads keys: on a real pseudo-terminal, asleep until there is something to read."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from textual import events
from textual.message import Message

from pgscope.tui import keyreader
from pgscope.tui.keyreader import Exit, read_keys


class Reading:
    """A reader in a thread of its own, and what it read."""

    def __init__(self, fileno: int) -> None:
        self.end = Exit()
        self.taken: list[Message] = []
        self.thread = threading.Thread(target=read_keys, args=(fileno, self.end, self.taken.append))
        self.thread.start()

    def keys(self, many: int) -> list[str]:
        """The first so many keys, waited for."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [one.key for one in self.taken if isinstance(one, events.Key)]
            if len(found) >= many:
                return found
            time.sleep(0.005)
        raise AssertionError(self.taken)


@contextmanager
def reading() -> Iterator[tuple[Reading, int]]:
    """A reader of a terminal, and the other end of that; it has ended afterwards."""
    ours, theirs = pty.openpty()
    os.set_blocking(theirs, True)
    _raw(theirs)
    reader = Reading(theirs)
    try:
        yield reader, ours
    finally:
        reader.end.set()
        reader.thread.join(20)
        assert not reader.thread.is_alive()
        for fileno in (ours, theirs):
            os.close(fileno)
        reader.end.close()


def _raw(fileno: int) -> None:
    tty.setraw(fileno)


def test_keys_come_in_their_order_whole_or_in_parts() -> None:
    with reading() as (reader, terminal):
        os.write(terminal, b"jk\x1b[A")
        assert reader.keys(3) == ["j", "k", "up"]
        os.write(terminal, b"\x1b[")
        os.write(terminal, b"B")
        assert reader.keys(4)[-1] == "down"


def test_a_character_that_comes_in_parts_is_one_key_and_not_the_last() -> None:
    """A slow link may cut it, and a paste is cut where a read is full."""
    with reading() as (reader, terminal):
        for part in "\u00e9\u20ac".encode():
            os.write(terminal, bytes([part]))
            time.sleep(0.05)
        os.write(terminal, b"q")
        reader.keys(3)
        typed = [one.character for one in reader.taken if isinstance(one, events.Key)]
        assert typed == ["\u00e9", "\u20ac", "q"]


def test_an_escape_alone_is_a_key() -> None:
    with reading() as (reader, terminal):
        os.write(terminal, b"\x1b")
        assert reader.keys(1) == ["escape"]
        os.write(terminal, b"q")
        assert reader.keys(2) == ["escape", "q"]


def test_bytes_that_are_no_text_do_not_end_it() -> None:
    with reading() as (reader, terminal):
        os.write(terminal, b"\xff\xfe\xc3(q")
        assert "q" in reader.keys(4)


@pytest.mark.parametrize(
    "noise", [b"\x1b[1:2A", b"\x1b[1114112u", b"\x1b[99999999999999999999u"], ids=["parts", "none", "huge"]
)
def test_a_sequence_that_no_terminal_sends_takes_no_key_with_it(noise: bytes) -> None:
    with reading() as (reader, terminal):
        os.write(terminal, b"j" + noise + b"q\x1b[A")
        keys = reader.keys(3)
        assert keys[0] == "j"
        assert keys[-2:] == ["q", "up"]


def test_it_sleeps_while_nothing_comes() -> None:
    with reading() as (reader, terminal):
        os.write(terminal, b"\x1b")
        reader.keys(1)
        time.sleep(0.3)
        thread = reader.thread.native_id
        before = _switches(thread)
        time.sleep(1.0)
        assert _switches(thread) - before <= 1


def test_a_terminal_that_went_away_does_not_keep_it_busy() -> None:
    ours, theirs = pty.openpty()
    reader = Reading(theirs)
    os.close(ours)
    time.sleep(0.2)
    used = _seconds(reader.thread.native_id)
    time.sleep(0.5)
    assert _seconds(reader.thread.native_id) - used < 0.1
    reader.end.set()
    reader.thread.join(20)
    assert not reader.thread.is_alive()
    os.close(theirs)
    reader.end.close()


def test_a_terminal_that_does_not_wait_is_not_one_that_went_away() -> None:
    """Another program may have made it so; what it typed may be read by somebody quicker."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    assert keyreader._read(read_end) is None
    os.write(write_end, b"x")
    assert keyreader._read(read_end) == b"x"
    os.close(write_end)
    assert keyreader._read(read_end) == b""
    os.close(read_end)


def test_an_event_may_be_set_and_taken_back_again_and_again() -> None:
    end = Exit()
    for _ in range(3):
        end.set()
        end.set()
        assert end.is_set()
        end.clear()
        end.clear()
        assert not end.is_set()
    end.close()


def _switches(thread: int | None) -> int:
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("voluntary_ctxt"))


def _seconds(thread: int | None) -> float:
    return next(one.user_time + one.system_time for one in psutil.Process().threads() if one.id == thread)
