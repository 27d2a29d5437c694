"""A recording that goes on while it is looked at, also in the files that are begun meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pgscope import playback
from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.watch import Watch
from pgscope.capture.recording.decode import Decoder
from pgscope.capture.recording.file import Bounds, RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.lookback import LookBack
from pgscope.playback import Player
from pgscope.sample import Connected, Disconnected, Poll, Sample
from tests.recording.streams import later, same, shop
from tests.tui.samples import recorded

LONG = [*shop(), *later(shop(), 200), *later(shop(), 400)]
SMALL = Bounds(size=15_000, keep=0)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[RecordingFile]:
    opened = RecordingFile(tmp_path / "a", bounds=SMALL)
    yield opened
    opened.close()


def write_until(file: RecordingFile, stream: Iterator[Sample], rotations: int, and_then: int = 60) -> int:
    """Write until the file was rotated so often, and a little more; how many samples that were."""
    count, seen = 0, file.path.stat().st_ino
    while rotations:
        file.write(next(stream))
        count += 1
        if (now := file.path.stat().st_ino) != seen:
            rotations, seen = rotations - 1, now
    for _ in range(and_then):
        file.write(next(stream))
    file.flush()
    return count + and_then


@pytest.mark.parametrize("rotations", [0, 1, 2, 3])
def test_it_is_read_on_after_it_was_rotated(file: RecordingFile, rotations: int) -> None:
    stream = iter(LONG)
    count = write_until(file, stream, 1, 20)
    recording = Recording.open(file.path)
    assert same(list(recording.samples()), LONG[:count])
    count += write_until(file, stream, rotations, 20)
    recording.refresh()
    assert same(list(recording.samples()), LONG[:count])
    for one in stream:
        file.write(one)
    file.flush()
    recording.refresh()
    recording.refresh()
    assert same(list(recording.samples()), LONG)
    assert not recording.damage
    since = recording.end - 30.0
    expected = [one for one in LONG if isinstance(one, Poll) and one.at >= since]
    assert same([one for one in recording.samples(since) if isinstance(one, Poll)], list(expected))
    recording.close()


def test_a_link_is_followed_too(file: RecordingFile, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file.path)
    stream = iter(LONG)
    count = write_until(file, stream, 0)
    recording = Recording.open(tmp_path / "link")
    count += write_until(file, stream, 1)
    recording.refresh()
    assert same(list(recording.samples()), LONG[:count])
    recording.close()


def test_files_that_were_deleted_meanwhile_are_no_end(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a", bounds=Bounds(size=15_000, keep=1))
    stream = iter(LONG)
    count = write_until(file, stream, 0)
    recording = Recording.open(tmp_path / "a")
    write_until(file, stream, 3)
    recording.refresh()
    found = list(recording.samples())
    assert same(found[:count], LONG[:count])
    assert recording.end > Recording.open(tmp_path / "a").start
    file.close()
    recording.close()


def names_of_open(folder: Path) -> list[int]:
    """How many names each file of a folder has that this process has open; 0: it was deleted."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if str(one.readlink()).startswith(f"{folder}/"):
                found.append(one.stat().st_nlink)
    return sorted(found)


def polls(samples: Iterable[Sample]) -> list[float]:
    """When they were made."""
    return [round(one.at, 4) for one in samples if isinstance(one, Poll)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is open")
def test_it_is_followed_for_weeks_without_holding_what_was_rotated(tmp_path: Path) -> None:
    """Of the older files none stays open but the one that is read; what was deleted is past."""
    file = RecordingFile(tmp_path / "a", bounds=Bounds(size=15_000, keep=2))
    stream = iter(LONG)
    count = write_until(file, stream, 3)
    recording = Recording.open(tmp_path / "a")
    # One is the recorder's.
    assert names_of_open(tmp_path) == [1, 1]
    start = recording.start
    for _ in range(3):
        list(recording.samples())
        count += write_until(file, stream, 1)
        recording.refresh()
        assert polls(recording.samples(recording.end - 1.0))
        recording.refresh()
        assert names_of_open(tmp_path) == [1, 1], "and nothing that was deleted"
    assert recording.start > start
    found = polls(recording.samples())
    assert found == polls(LONG[:count])[-len(found) :]
    assert len({"a", "a.1", "a.2"} & {one.name for one in tmp_path.iterdir()}) == 3, "all that there is"
    assert recording.start == Recording.open(tmp_path / "a").start
    assert not recording.damage
    file.close()
    recording.close()
    assert names_of_open(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is open")
def test_what_is_read_can_be_read_to_its_end_though_it_was_deleted(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a", bounds=Bounds(size=15_000, keep=1))
    stream = iter(LONG)
    count = write_until(file, stream, 2)
    recording = Recording.open(tmp_path / "a")
    reading = recording.samples()
    first = next(reading)
    write_until(file, stream, 1, 0)
    assert 0 in names_of_open(tmp_path)
    found = polls([first, *reading])
    assert found == polls(LONG[:count])[-len(found) :] and len(found) > 3
    assert 0 not in names_of_open(tmp_path), "it was let go"
    recording.refresh()
    file.close()
    recording.close()


def test_a_file_that_went_is_told_as_a_hole(tmp_path: Path) -> None:
    recorded(tmp_path / "a", shop(), bounds=SMALL)
    recording = Recording.open(tmp_path / "a")
    (tmp_path / "a.2").unlink()
    lost = [one for one in recording.samples() if isinstance(one, Disconnected)]
    assert any("a.2 when it was opened is not there any more" in one.reason for one in lost)
    assert "a.2 when it was opened is not there any more" in recording.damage
    recording.close()


def test_of_a_file_that_was_rotated_and_deleted_it_is_not_said_that_its_name_is_gone(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a", bounds=Bounds(size=15_000, keep=1))
    stream = iter(LONG)
    write_until(file, stream, 0, 10)
    recording = Recording.open(tmp_path / "a")
    write_until(file, stream, 1, 10)
    recording.refresh()
    reading = recording.samples(recording.start)
    write_until(file, stream, 2)
    list(reading)
    assert f"what was {tmp_path / 'a'} when it was opened is not there" in recording.damage
    assert (tmp_path / "a").exists()
    file.close()
    recording.close()


def test_a_file_is_found_while_its_names_change(tmp_path: Path) -> None:
    """A rotation renames them from the last to the first, one after the other."""
    recorded(tmp_path / "a", shop(), bounds=SMALL)
    recording = Recording.open(tmp_path / "a")
    last = max(int(one.suffix[1:]) for one in tmp_path.glob("a.*"))
    for number in range(last, 0, -1):
        (tmp_path / f"a.{number}").rename(tmp_path / f"a.{number + 1}")
        assert same(list(recording.samples()), shop())
    recording.close()


def test_nothing_else_is_taken_for_what_follows(file: RecordingFile, tmp_path: Path) -> None:
    stream = iter(LONG)
    count = write_until(file, stream, 0)
    recording = Recording.open(tmp_path / "a")
    end = recording.end
    (tmp_path / "a").rename(tmp_path / "a.1")
    recording.refresh()
    for content in (b"", b"of somebody else"):
        (tmp_path / "a").write_bytes(content)
        recording.refresh()
    (tmp_path / "a").unlink()
    recorded(tmp_path / "a", later(shop(), 1000), bounds=Bounds(age=0))
    recording.refresh()
    assert recording.end == end
    assert same(list(recording.samples()), LONG[:count])
    recording.close()


async def test_a_replay_goes_on_in_the_new_file(
    file: RecordingFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "_GROWN_AFTER", 0.0)
    last = next(one for one in reversed(LONG) if isinstance(one, Poll))
    down = Disconnected(last.at + 1.0, last.mono + 1.0, "gone")
    up = next(one for one in LONG if isinstance(one, Connected))
    up = replace(up, at=last.at + 2.0, mono=last.mono + 2.0)
    whole = [*LONG, down, up, *later([last], 3.0)]
    stream = iter(whole)
    count = write_until(file, stream, 0)
    recording = Recording.open(tmp_path / "a")
    end = recording.end + 0.001
    player = Player(recording, "a", FindingSettings, lambda: None, at=end, playing=False)
    running = asyncio.create_task(player.run())
    while player._wanted is not None:
        await asyncio.sleep(0)
    links = []
    plain = player.watch.feed

    def noted(sample: Sample) -> None:
        if isinstance(sample, Connected | Disconnected):
            links.append(type(sample))
        plain(sample)

    monkeypatch.setattr(player.watch, "feed", noted)
    write_until(file, stream, 1, 90)
    polls = [one.at for one in LONG if isinstance(one, Poll) and one.at > end]
    for at in polls[:20]:
        player.step(1)
        while player._steps:
            await asyncio.sleep(0)
        assert player.state.at == pytest.approx(at, abs=1e-5), "none is left out, and none comes twice"
    assert len(recording._parts) > 1
    for one in stream:
        file.write(one)
    file.flush()
    while player.state.at < last.at + 2.5:
        player.step(1)
        while player._steps:
            await asyncio.sleep(0)
    expected = [type(one) for one in whole[count:] if isinstance(one, Connected | Disconnected)]
    assert links == expected, "what the link did since, and nothing of what was known"
    assert player.snapshot.link.connected
    running.cancel()
    recording.close()


async def test_a_replay_stops_where_its_file_was_emptied(
    file: RecordingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "_GROWN_AFTER", 0.0)
    write_until(file, iter(LONG), 0)
    recording = Recording.open(file.path)
    player = Player(recording, "a", FindingSettings, lambda: None, at=recording.end, playing=False)
    running = asyncio.create_task(player.run())
    while player._wanted is not None:
        await asyncio.sleep(0)
    file.path.write_bytes(b"")
    player.toggle()
    while player.playing and not running.done():
        await asyncio.sleep(0)
    assert "nothing is in it yet" in player.said
    assert not running.done() and player.snapshot.sessions
    running.cancel()
    recording.close()


def test_the_time_before_is_read_a_poll_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what comes before it in its segment, which is up to a minute."""
    recorded(tmp_path / "a", LONG, bounds=Bounds(age=0))
    recording = Recording.open(tmp_path / "a")
    watch = Watch(FindingSettings())
    for one in recording.samples(recording.end - 5.0):
        watch.feed(one)
    goal = recording.end - 300.0
    assert recording.whole_from(goal) < goal - 1.0, "else there is nothing to show here"
    read, plain = [], Decoder._poll
    monkeypatch.setattr(Decoder, "_poll", lambda *args: read.append(1) or plain(*args))  # type: ignore[func-returns-value]
    back = LookBack(recording)
    back.arrive(watch)
    most = 0
    while back.busy:
        before = len(read)
        back.go_on(0.0)
        most = max(most, len(read) - before)
    assert most <= 2
    assert [one.at for one in watch.load.points] == [
        one.at for one in recording.samples(goal) if isinstance(one, Poll) and one.at >= goal
    ]
    recording.close()
