"""A recording with damage in it: what can be read is read, and what is missing is known to be."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.watch import Watch
from pgscope.capture.recording import frame
from pgscope.capture.recording.part import Part
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.run import Run
from pgscope.cli import main
from pgscope.playback import Player, _is_nearer
from pgscope.sample import Connected, Disconnected, Names, OwnCost, Poll, Sample, StatementTexts
from tests.recording.streams import later, same, shop
from tests.recording.test_file import flipped
from tests.recording.test_format import frames, in_memory
from tests.recording.test_seek import Counted, arrived, gone

SPAN = shop()[-1].mono - shop()[0].mono + 1.0
LONG = [*shop(), *later(shop(), SPAN), *later(shop(), 2 * SPAN)]
WHOLE = in_memory(LONG)
NAMES = {(row.dbid, row.queryid) for one in LONG if isinstance(one, Poll) for row in one.statements or ()}


def segments(content: bytes) -> list[list[frame.Frame]]:
    """The keys and chunks of each segment."""
    found: list[list[frame.Frame]] = []
    for one in frames(content):
        if one.kind == frame.KEY:
            found.append([])
        if one.kind in (frame.KEY, frame.CHUNK):
            found[-1].append(one)
    return found


SEGMENTS = segments(WHOLE)
LAST = SEGMENTS[2][2]
"""The chunk that is damaged."""
START, END = SEGMENTS[2][1].end, SEGMENTS[3][0].start
"""Of the hole: what is before, and what comes after it."""


def damaged() -> bytes:
    return flipped(WHOLE, LAST.payload_at + 1)


def hole_in(found: list[Sample]) -> int:
    (place,) = [place for place, one in enumerate(found) if isinstance(one, Disconnected)]
    return place


def polls(found: list[Sample]) -> list[Poll]:
    return [one for one in found if isinstance(one, Poll)]


def test_reading_goes_on_with_the_next_segment() -> None:
    recording = Recording.of_bytes(damaged(), "broken")
    found = list(recording.samples())
    place = hole_in(found)
    missing: Sample = found[place]
    assert isinstance(missing, Disconnected)
    assert missing.reason == (
        f"a part of the recording is missing: broken is damaged at byte {LAST.offset:,}"
    )
    assert recording.damage == f"broken is damaged at byte {LAST.offset:,}"
    assert same(found[:place], LONG[:place])
    assert missing.at == pytest.approx(found[place - 1].at, abs=1e-5)
    expected = [one for one in polls(LONG) if one.at >= END]
    assert same(list(polls(found[place:])), list(expected))
    first = found.index(polls(found[place:])[0])
    anew = found[place + 1 : first]
    assert {Connected, Names, StatementTexts} <= {type(one) for one in anew}
    assert not any(isinstance(one, OwnCost) for one in anew)
    assert all(found[place - 1].mono < one.mono for one in anew), "time does not go back"
    texts = {name for one in anew if isinstance(one, StatementTexts) for name in one.texts}
    assert {(row.dbid, row.queryid) for row in expected[0].statements or ()} <= texts


@pytest.mark.parametrize("before", [0.0, 20.0, 200.0])
def test_from_any_moment_it_is_known_what_is_missing(before: float) -> None:
    """From within the hole, from the segment that it is in, and from long before."""
    since = (START + END) / 2 - before
    recording = Recording.of_bytes(damaged(), "broken")
    found = list(recording.samples(since, END + 30.0))
    place = hole_in(found)
    expected = [one for one in polls(LONG) if since <= one.at <= END + 30.0]
    expected = [one for one in expected if one.at <= START or one.at >= END]
    assert same(list(polls(found)), list(expected))
    assert len(polls(found[place:])) > 3
    assert any(isinstance(one, Connected) for one in found[place:])


def test_nothing_is_missing_from_after_it_or_until_before_it() -> None:
    recording = Recording.of_bytes(damaged(), "broken")
    for since, until in ((END + 1.0, None), (None, SEGMENTS[1][-1].end)):
        found = list(recording.samples(since, until))
        assert polls(found) and not any(isinstance(one, Disconnected) for one in found)
    assert not recording.damage


def test_nothing_is_counted_over_a_hole() -> None:
    watch, before, after = Watch(), Watch(), Watch()
    found = list(Recording.of_bytes(damaged(), "broken").samples())
    place = hole_in(found)
    for one in found:
        watch.feed(one)
    for one in found[:place]:
        before.feed(one)
    for one in found[place:]:
        after.feed(one)
    assert watch.seconds == pytest.approx(before.seconds + after.seconds)
    assert watch.seconds < LONG[-1].mono - LONG[0].mono - (END - START) + 1.0
    for key in watch.window.keys() | before.window.keys() | after.window.keys():
        calls = [of.window[key].calls for of in (before, after) if key in of.window]
        assert watch.window[key].calls == sum(calls)


async def test_a_replay_shows_all_that_can_be_read() -> None:
    recording = Recording.of_bytes(damaged(), "broken")
    player = Player(recording, "broken", FindingSettings, lambda: None, playing=False)
    running = asyncio.create_task(player.run())
    before = [one.at for one in polls(LONG) if one.at <= START][-1]
    for at in (before, END + 3.0, END + 30.0, END + 80.0, recording.end):
        await gone(player, at)
        assert player.snapshot.link.connected, at
        assert abs(player.snapshot.at - at) < 10.0
    await gone(player, END - 1.0)
    assert (link := player.snapshot.link).reason and not link.connected
    assert "is damaged at byte" in player.snapshot.link.reason
    assert player.snapshot.at <= START + 0.1, "not what comes after that moment"
    player.step(1)
    while player._steps:
        await asyncio.sleep(0)
    assert player.snapshot.link.connected and player.snapshot.at >= END
    await gone(player, recording.end)
    player.toggle()
    while player.playing:
        await asyncio.sleep(0.01)
    assert player.said.startswith("the end of the recording; not all of it could be read: broken is damaged")
    running.cancel()


def test_the_second_look_at_a_moment_is_no_worse_than_the_first() -> None:
    from collections import deque

    at = 100.0
    for polls_, others, nearer in (
        ([], [], True),
        ([99.0], [], True),
        ([], [99.0], False),
        ([50.0], [99.0], False),
        ([98.0, 99.0], [99.0], True),
        ([50.0], [110.0], True),
        ([], [110.0], False),
        ([110.0], [99.0], False),
    ):
        assert _is_nearer(deque(polls_), deque(others), at) == nearer, (polls_, others)


def test_after_words_that_are_lost_nothing_is_read_again_and_again() -> None:
    out = bytearray()
    for turn in range(2):
        run = Run(out.extend, offset=len(out))
        for hour in range(20):
            for one in later(shop(), SPAN * (20 * turn + hour)):
                run.write(one)
        run.close()
    content = bytes(out)
    words = [one for one in frames(content) if one.kind == frame.DICTIONARY]
    file = Counted(flipped(content, words[0].payload_at + 1))
    recording = Recording([Part(file, "broken")])
    file.since()
    found = list(recording.samples())
    assert file.since() < 1.2 * len(content)
    assert recording.broken == f"broken is damaged at byte {words[0].offset:,}", "said once"
    assert found[0].at == pytest.approx(recording.start, abs=1e-5) and isinstance(found[0], Disconnected)
    assert len(polls(found)) == 20 * len(polls(list(shop()))), "the second run has its own"


def test_the_last_segment_may_be_damaged() -> None:
    last = SEGMENTS[-1][1]
    recording = Recording.of_bytes(flipped(WHOLE, last.payload_at + 1), "broken")
    found = list(recording.samples(last.start + 1.0))
    assert isinstance(found[-1], Disconnected) and isinstance(found[0], Connected)
    assert not polls(found)


def test_a_time_without_a_sample_names_the_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = WHOLE
    for one in SEGMENTS:
        content = flipped(content, one[0].payload_at + 1)
    (tmp_path / "a").write_bytes(content)
    assert main(["report", "--from", str(tmp_path / "a")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no sample in that time" in line
    assert f"not all of it could be read: {tmp_path / 'a'} is damaged at byte" in line
    assert "times more" in line, "not all of them"


async def test_a_recording_in_memory_is_as_one_in_a_file() -> None:
    recording = Recording([Part(io.BytesIO(damaged()), "broken")])
    player = Player(recording, "broken", FindingSettings, lambda: None, at=END + 5.0, playing=False)
    running = asyncio.create_task(player.run())
    await arrived(player)
    assert player.snapshot.link.connected and player.snapshot.statements
    running.cancel()
