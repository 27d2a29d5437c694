"""Recording beside the screen: whatever the disk does, who gives samples goes on, and is told."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.scribe import Scribe
from pgscope.sample import Mark, Poll, Sample, StatementTexts
from tests.recording.streams import later, same, shop

PATIENCE = 60.0


class Heard:
    """What a scribe said, and how it ended."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ends: list[str] = []

    def start(
        self,
        path: Path,
        *,
        most: int = 10_000,
        before: Callable[[], list[Sample]] = list,
        redact: bool = False,
    ) -> Scribe:
        def opened(trouble: Callable[[str], None]) -> RecordingFile:
            return RecordingFile(path, trouble=trouble, redact=redact)

        return Scribe(opened, before, self.told.append, self.ends.append, most=most)


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, threading.Event]]:
    """A file on a disk that hangs after 64 kB, until the event is set."""
    path = tmp_path / "a"
    path.touch()
    write, goes = os.write, threading.Event()

    def slow(fd: int, content: memoryview) -> int:
        there = os.fstat(fd)
        if there.st_size > 64_000 and os.path.samestat(there, path.stat()):
            goes.wait()
        return write(fd, content)

    monkeypatch.setattr("pgscope.capture.recording.file.os.write", slow)
    yield path, goes
    goes.set()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def test_it_writes_what_it_is_given(tmp_path: Path) -> None:
    heard = Heard()
    first, *rest = shop()
    scribe = heard.start(tmp_path / "a", before=lambda: [first])
    for one in rest:
        scribe.write(one)
    scribe.mark(Mark(rest[-1].at, "finding", "x"))
    scribe.stop()
    assert scribe.join(PATIENCE)
    recording = Recording.open(tmp_path / "a")
    assert same(list(recording.samples()), shop())
    assert recording.marks
    size = (tmp_path / "a").stat().st_size
    assert heard.ends == [f"Recorded {size:,} bytes to {tmp_path / 'a'}"]


def test_a_disk_that_hangs_holds_nobody_up(hanging: tuple[Path, threading.Event]) -> None:
    path, goes = hanging
    heard = Heard()
    scribe = heard.start(path, most=20)
    turns = 0
    while scribe.trouble != "too slow":
        for one in later(shop(), 200.0 * turns):
            scribe.write(one)
        turns += 1
        assert scribe._queue.qsize() < 5_000, "what waits is bounded"
        time.sleep(0.02)
        assert turns < 3_000
    assert any("too slow" in one for one in heard.told)
    assert not heard.ends
    goes.set()
    until(lambda: scribe.trouble == "", "that it caught up")
    until(lambda: any("caught up" in one for one in heard.told), "that it says so")
    last = later(shop(), 200.0 * turns)
    for one in last:
        until(lambda: scribe._queue.empty(), "room")
        scribe.write(one)
    scribe.stop()
    assert scribe.join(PATIENCE)
    assert path.stat().st_size == int(heard.ends[0].split()[1].replace(",", "")), "all of it"
    recording = Recording.open(path)
    found = list(recording.samples())
    assert not recording.damage
    assert (
        0
        < sum(isinstance(one, Poll) for one in found)
        < sum(isinstance(one, Poll) for one in shop()) * (turns + 1)
    )
    texts = [one for one in found if isinstance(one, StatementTexts)]
    assert len(texts) >= sum(isinstance(one, StatementTexts) for one in shop()), "what comes seldom is kept"
    assert same(found[-len(last) :], last)


def test_a_file_that_cannot_be_is_said(tmp_path: Path) -> None:
    heard = Heard()
    scribe = heard.start(tmp_path / "no" / "a")
    assert scribe.join(PATIENCE)
    assert heard.ends == [
        f"Not recording: cannot write {tmp_path / 'no' / 'a'}: No such file or directory; give another file"
    ]
    scribe.write(shop()[0])
    scribe.stop()


def test_a_full_disk_is_said_and_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    write = os.write

    def full(fd: int, content: memoryview) -> int:
        raise OSError(28, "No space left on device")

    scribe = heard.start(tmp_path / "a")
    for one in shop():
        scribe.write(one)
    until(lambda: scribe._queue.empty() and (tmp_path / "a").exists(), "that all is taken")
    monkeypatch.setattr("pgscope.capture.recording.file.os.write", full)
    for one in later(shop(), 200):
        scribe.write(one)
    until(lambda: scribe.trouble == "failing", "that nothing can be written")
    monkeypatch.setattr("pgscope.capture.recording.file.os.write", write)
    scribe.stop()
    assert scribe.join(PATIENCE)
    assert len([one for one in heard.told if "No space left" in one]) == 1
    assert heard.ends[0].endswith("not all of it could be written")
    assert not Recording.open(tmp_path / "a").damage
