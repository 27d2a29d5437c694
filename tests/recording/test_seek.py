"""Seeking reads a few minutes of a recording and its words once, however long the recording is."""

from __future__ import annotations

import asyncio
import io
import random
from string import ascii_letters

import pytest

from pgscope import playback
from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.watch import Watch
from pgscope.capture.recording.part import Part
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.run import Run
from pgscope.playback import SPEEDS, Player
from pgscope.sample import Mark, Poll, StatementTexts
from tests.recording.streams import later, shop

SPAN = shop()[-1].mono - shop()[0].mono + 1.0
TURNS = 60
"""Some hours."""


class Counted(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self.taken += len(got)
        return got

    def since(self) -> int:
        """Bytes read since this was last asked."""
        taken, self.taken = self.taken, 0
        return taken


@pytest.fixture(scope="module")
def content() -> bytes:
    made = bytearray()
    run = Run(made.extend)
    letters = random.Random(0)
    for turn in range(TURNS):
        for one in later(shop(), SPAN * turn):
            # Nobody waits for a lock but in every tenth stretch.
            run.write(one if turn % 10 == 5 or not isinstance(one, Poll) else _calm(one))
        texts = {(1, turn * 1000 + n): "".join(letters.choices(ascii_letters, k=300)) for n in range(50)}
        run.write(StatementTexts(one.at, one.mono, texts))
        if turn % 10 == 5:
            run.mark(Mark(one.at, "finding", "x"))
    run.close()
    return bytes(made)


def _calm(poll: Poll) -> Poll:
    return Poll(**{**vars(poll), "blocking": (), "locks": ()})


async def gone(player: Player, at: float) -> None:
    """Go somewhere, and wait for the whole picture."""
    player.seek(at)
    await arrived(player)


async def arrived(player: Player) -> None:
    while player._wanted is not None:
        await asyncio.sleep(0)


async def test_a_seek_reads_minutes_not_hours(content: bytes) -> None:
    file = Counted(content)
    recording = Recording([Part(file, "long")])
    hours = (recording.end - recording.start) / 3600
    assert hours > 1
    segments = len(recording._parts[0].entries.segments)
    segment = len(content) / segments
    assert file.since() < len(content) / 10, "to open it reads its indexes"
    player = Player(recording, "long", FindingSettings, lambda: None, playing=False)
    running = asyncio.create_task(player.run())
    await arrived(player)
    assert file.since() < 14 * segment, "to begin it reads the beginning"
    await gone(player, recording.end)
    words = file.since()
    assert words < len(content) / 2, "to go to the end it reads the words, and the end"
    chance = random.Random(1)
    for _ in range(10):
        at = chance.uniform(recording.start, recording.end)
        await gone(player, at)
        assert abs(player.snapshot.at - at) < 30
        assert len(player.watch.texts) < 1000, "texts of statements that are long gone are not taken in"
        assert all(row.query for row in player.snapshot.statements.values())
        # Twice: for the first picture, and with the minute and a half before it.
        assert file.since() < 14 * segment
    running.cancel()


async def test_the_next_finding_and_wait_are_not_searched_through(content: bytes) -> None:
    file = Counted(content)
    recording = Recording([Part(file, "long")])
    segment = len(content) / len(recording._parts[0].entries.segments)
    player = Player(recording, "long", FindingSettings, lambda: None, playing=False)
    running = asyncio.create_task(player.run())
    await gone(player, recording.end)
    await gone(player, recording.start)
    file.since()
    for kind, direction in (
        [("finding", 1)] * 3 + [("finding", -1)] + [("lock wait", 1), ("lock wait", -1)] * 2
    ):
        before = player.state.at
        player.to_mark(kind, direction)
        assert player._wanted is not None, (kind, direction, player.said)
        await arrived(player)
        at = player.state.at
        assert (at - before) * direction > 1.0
        # A mark is at the very end of its stretch.
        assert (at - recording.start - 1.0) // SPAN % 10 == 5, (kind, direction)
        assert file.since() < 18 * segment
        if kind == "lock wait":
            assert player.snapshot.locks.nodes
    await gone(player, recording.start + 3 * SPAN)
    player.to_mark("lock wait", -1)
    assert player.said == "no lock wait before this"
    running.cancel()


async def test_where_it_arrives_the_picture_is_whole(content: bytes) -> None:
    recording = Recording([Part(io.BytesIO(content), "long")])
    player = Player(recording, "long", FindingSettings, lambda: None, playing=False)
    running = asyncio.create_task(player.run())
    at = recording.start + 2 * SPAN - 5.0
    await gone(player, at)
    watch = Watch(FindingSettings())
    for one in recording.samples(at - 90.0):
        if isinstance(one, Poll) and one.at > at:
            break
        watch.feed(one)
    expected, found = watch.snapshot(), player.snapshot
    assert found.at == expected.at
    rates, expected_rates = (
        {key: (row.rates, row.total) for key, row in of.statements.items()} for of in (found, expected)
    )
    assert rates == expected_rates
    for key, row in expected.statements.items():
        names = [
            {one.application_name for one in of.shares if one.share > 0.1}
            for of in (row, found.statements[key])
        ]
        assert names[0] == names[1], row.query
    assert (
        {one.fingerprint for one in found.findings} == {one.fingerprint for one in expected.findings} != set()
    )
    player.change_speed(len(SPEEDS))
    player._play(1.0)
    assert player.watch.findings.search_s > 0, "at 60x not each second is searched through"
    player.step(1)
    await arrived(player)
    while player._steps:
        await asyncio.sleep(0)
    assert player.watch.findings.search_s == 0
    running.cancel()


class Slow:
    """A clock for which everything takes long."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.05
        return self.now


async def test_while_it_takes_long_it_says_so_and_shows_what_there_is(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "time", Slow())
    recording = Recording([Part(io.BytesIO(content), "long")])
    told: list[tuple[str, float]] = []

    def changed() -> None:
        told.append((player.state.busy, player.snapshot.at))

    player = Player(recording, "long", FindingSettings, changed, playing=False)
    player.seek(recording.start)
    running = asyncio.create_task(player.run())
    await arrived(player)
    assert player.state.busy == ""
    assert [busy for busy, _ in told][:1] == ["reading"] and told[-1] == ("", player.snapshot.at)
    assert any(busy and at for busy, at in told), "the poll is shown before its texts are all read"
    # A key that comes meanwhile counts.
    player.seek(recording.end)
    while not player.state.busy:
        await asyncio.sleep(0)
    await gone(player, recording.start + SPAN)
    assert abs(player.snapshot.at - recording.start - SPAN) < 30
    running.cancel()


async def test_a_search_that_is_asked_for_meanwhile_says_so() -> None:
    made = bytearray()
    run = Run(made.extend)
    for one in shop():
        run.write(one)
    run.close()
    recording = Recording([Part(io.BytesIO(bytes(made)), "unmarked")])
    told: list[tuple[bool, str]] = []

    def changed() -> None:
        told.append((player._wanted is None and player._search, player.state.busy))

    player = Player(recording, "unmarked", FindingSettings, changed, playing=False)
    running = asyncio.create_task(player.run())
    player.to_mark("finding", 1)
    while player._wanted is not None or player._search:
        await asyncio.sleep(0)
    assert (True, "looking for a finding") in told
    assert (True, "") not in told
    assert player.state.busy == ""
    running.cancel()
