"""The last minutes in memory, where the texts alone are larger than a piece of them."""

import random
from string import ascii_letters

import pytest

from pgscope.capture.recording.ring import Ring
from pgscope.packed import Packed, Texts
from pgscope.sample import Connected, Poll, Sample, StatementTexts
from tests.recording.streams import later, shop

SPAN = shop()[-1].mono - shop()[0].mono + 1.0


def test_long_texts_are_not_held_a_second_time() -> None:
    letters = random.Random(0)
    first, *rest = shop()
    polls = [one for one in rest if isinstance(one, Poll)]
    names = {(row.dbid, row.queryid) for poll in polls for row in poll.statements or ()}
    texts = Texts({name: "".join(letters.choices(ascii_letters, k=40_000)) for name in names})
    ring = Ring(most=3 * 500_000)
    for sample in [first, StatementTexts(first.at, first.mono, texts), *rest, *later(shop(), 100)]:
        if not isinstance(sample, StatementTexts) or sample.texts is texts:
            ring.write(sample)
    assert ring.size < 0.15 * sum(map(len, texts.values()))
    recording = ring.recording()
    assert recording is not None
    told: dict[tuple[int, int], Packed] = {}
    for one in recording.samples():
        if isinstance(one, StatementTexts):
            assert isinstance(one.texts, Texts)
            told |= one.texts.packed
    assert told.keys() == names
    assert all(told[name] is texts.packed[name] for name in names)


def churned(turn: int, letters: random.Random) -> list[Sample]:
    """The shop's stream for the so manieth time, with statements never seen before."""
    samples = later(shop(), SPAN * turn)
    texts = {(1, turn * 1000 + n): "".join(letters.choices(ascii_letters, k=500)) for n in range(100)}
    return [samples[0], StatementTexts(samples[0].at, samples[0].mono, texts), *samples[1:]]


def test_it_holds_so_many_seconds_and_no_more() -> None:
    seconds = 300.0
    ring = Ring(seconds=seconds)
    letters = random.Random(0)
    kept = 0
    for turn in range(int(2.5 * seconds / SPAN) + 1):
        for one in churned(turn, letters):
            ring.write(one)
            if one.at - shop()[0].at > seconds:
                assert len(ring._pieces) == 3
        if SPAN * turn < seconds:
            continue
        kept += 1
        recording = ring.recording()
        assert recording is not None
        assert not recording.damage
        assert seconds * 0.65 <= recording.end - recording.start <= seconds + 10
        polls = [one for one in recording.samples() if isinstance(one, Poll)]
        assert polls[-1].at == pytest.approx(recording.end, abs=1)
    assert kept > 3


def test_it_holds_so_many_bytes_and_no_more() -> None:
    most = 500_000
    ring = Ring(seconds=1e9, most=most)
    letters = random.Random(0)
    largest = 0
    for turn in range(20):
        for one in churned(turn, letters):
            ring.write(one)
            largest = max(largest, ring.size)
    assert most / 2 < largest < 1.25 * most
    recording = ring.recording()
    assert recording is not None
    assert recording.start - shop()[0].at > 5 * SPAN, "the oldest went"
    read = [*recording.samples()]
    assert not recording.damage
    assert isinstance(read[-1], type(shop()[-1]))
    assert any(isinstance(one, Connected) for one in read), "what holds until further notice was carried over"
