"""Finding while recording: past its budget it rests, says so, and comes back; the recording is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pgscope.analysis.counters import Counts, Interval
from pgscope.analysis.finder import Finder
from pgscope.analysis.findings.series import Series
from pgscope.analysis.shape import Shape, shape_of
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.source import Silent
from pgscope.recorder import Recorder
from pgscope.sample import Blocking, Look, Poll, Sample, StatementKey
from tests.recording.streams import later, same, shop

SPAN = shop()[-1].mono - shop()[0].mono + 1.0


class Clock:
    """CPU time; each sample that is analysed takes `each` seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.each = 0.0
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        if self.asked % 2 == 0:
            self.now += self.each
        return self.now


class OnShop:
    """A recorder on the shop's stream."""

    def __init__(self, path: Path, budget: float = 0.02) -> None:
        self.said: list[str] = []
        self.clock = Clock()
        self.others = 0.0
        """CPU time that all but finding took."""
        self.file = RecordingFile(path)
        self.recorder = Recorder(
            Silent(),
            self.file,
            self.said.append,
            analysis_budget=budget,
            clock=self.clock,
            whole=lambda: self.clock.now + self.others,
        )
        self.taken: list[Sample] = []

    def turns(self, numbers: range) -> Iterator[Sample]:
        for number in numbers:
            for one in later(shop(), SPAN * number):
                self.taken.append(one)
                self.recorder.take(one)
                yield one

    def rests(self) -> bool:
        return self.recorder._rests_until is not None


def test_past_its_budget_finding_rests_and_comes_back(tmp_path: Path) -> None:
    one = OnShop(tmp_path / "a")
    list(one.turns(range(2)))
    assert not one.rests()
    told = [line for line in one.said if "finding" in line]
    assert not told
    one.clock.each = 0.1
    rested, polls, analysed = 0.0, 0, one.clock.asked
    before = None
    for sample in one.turns(range(2, 12)):
        if one.rests() and before is not None:
            rested += sample.mono - before
        before = sample.mono
        polls += isinstance(sample, Poll)
    told = [line for line in one.said if "finding" in line]
    assert len(told) == 1, "said once, not each time"
    assert "% of a core" in told[0] and "whole" in told[0]
    seconds = 10 * SPAN
    assert 0.5 * seconds < rested < 0.99 * seconds, "it comes back"
    spent = (one.clock.asked - analysed) / 2 * one.clock.each
    assert spent < 2 * 0.02 * seconds, "what it takes is near the budget"
    one.clock.each = 0.0
    list(one.turns(range(12, 18)))
    told = [line for line in one.said if "finding" in line]
    assert len(told) == 2 and "cheap again" in told[1]
    assert not one.rests()
    one.file.close()
    recording = Recording.open(tmp_path / "a")
    assert same(list(recording.samples()), one.taken), "the recording is whole"
    marks = recording.marks
    assert any(mark.kind == "finding" for mark in marks)
    waits = [mark.at for mark in marks if mark.kind == "lock wait"]
    for turn in range(3, 12):
        start = shop()[0].at + turn * SPAN
        assert any(start <= at < start + SPAN for at in waits), "lock waits are marked while it rests"


def test_after_a_rest_nothing_is_told_of_what_came_in_between(tmp_path: Path) -> None:
    one = OnShop(tmp_path / "a")
    one.clock.each = 0.1
    resting, back = False, 0
    for sample in one.turns(range(8)):
        finder = one.recorder._finder
        assert finder is not None
        if resting and not one.rests() and isinstance(sample, Poll):
            back += 1
            interval = finder.interval
            if sample.statements is not None:
                assert interval is not None and not interval.deltas, "a rate over the rest would be made up"
        resting = one.rests()
    one.file.close()
    assert back


def test_finding_has_what_the_rest_of_recording_leaves(tmp_path: Path) -> None:
    one = OnShop(tmp_path / "a")
    one.clock.each = 0.01
    list(one.turns(range(4)))
    assert not one.rests() and not any("finding" in line for line in one.said)
    started = None
    for sample in one.turns(range(4, 12)):
        started = sample.mono if started is None else started
        one.others = 0.029 * (sample.mono - started)
    assert any("finding" in line for line in one.said), "its budget is what is left of the whole"
    one.file.close()


def fed_to(finder: Finder) -> list[Sample]:
    """What a finder is given from now on."""
    fed: list[Sample] = []
    feed = finder.feed

    def noted(sample: Sample) -> None:
        fed.append(sample)
        feed(sample)

    finder.feed = noted  # type: ignore[method-assign]
    return fed


def test_polls_between_reads_of_the_counters_cost_nothing_and_waits_are_marked_at_each(
    tmp_path: Path,
) -> None:
    """Of thousands of statements the counters are read at every second poll only."""
    one = OnShop(tmp_path / "a")
    finder = one.recorder._finder
    assert finder is not None
    fed = fed_to(finder)
    mono = shop()[0].mono
    connected, poll = shop()[0], next(one for one in shop() if isinstance(one, Poll) and one.statements)
    one.recorder.take(connected)
    waits = (Blocking(7, (8,)),)
    for second in range(60):
        at = connected.at + second
        one.recorder.take(Look(at, mono + second, ()))
        counters = poll.statements if second % 2 == 0 else None
        now = replace(poll, at=at, mono=mono + second, statements=counters)
        one.recorder.take(replace(now, blocking=waits if second == 31 else ()))
    polls = [sample for sample in fed if isinstance(sample, Poll)]
    assert len(polls) == 30 and all(sample.statements is not None for sample in polls)
    assert [sample.mono for sample in fed] == sorted(sample.mono for sample in fed)
    assert sum(isinstance(sample, Look) for sample in fed) >= 59
    one.file.close()
    marks = Recording.open(tmp_path / "a").marks
    assert [mark.at for mark in marks if mark.kind == "lock wait"] == [connected.at + 31]


def test_without_counters_of_statements_polls_are_looked_at_each_other_second(tmp_path: Path) -> None:
    one = OnShop(tmp_path / "a")
    finder = one.recorder._finder
    assert finder is not None
    fed = fed_to(finder)
    poll = next(one for one in shop() if isinstance(one, Poll))
    for second in range(20):
        one.recorder.take(replace(poll, at=poll.at + second, mono=poll.mono + second, statements=None))
    assert [sample.mono - poll.mono for sample in fed] == list(range(0, 20, 2))
    one.file.close()


def test_the_busiest_statements_are_parsed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def noted(text: str) -> Shape:
        parsed.append(text)
        return shape_of(text)

    monkeypatch.setattr("pgscope.analysis.findings.series.shape_of", noted)
    one = Series()
    one.parses = 2
    one.learn({(1, number): f"SELECT {number} FROM t" for number in range(5)})
    done = {StatementKey(1, 1, number, True): Counts(calls=number + 1) for number in range(5)}
    for second in range(3):
        one.observe(Interval(second, second, 1.0, done))
    assert parsed == [f"SELECT {number} FROM t" for number in (4, 3, 2, 1, 0)]
