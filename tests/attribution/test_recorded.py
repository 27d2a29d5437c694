"""Shares of real clients against the truth, also where looks are as rare as on a large server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.attribution.kept import load, rarer
from tests.bench.attribution.measure import Judged, Outcome, judge_all

RUNS = sorted(Path(__file__).parent.glob("*.pgscope"))


def judged(hz: float | None) -> list[Judged]:
    found = []
    for path in RUNS:
        record = load(path) if hz is None else rarer(load(path), hz)
        outcome = Outcome(record.major, record.mix)
        judge_all(record, outcome)
        assert outcome.judged
        found += outcome.judged
    return found


@pytest.mark.parametrize(
    ("hz", "covered", "distance"),
    [(None, 0.97, 0.06), (5.0, 0.88, 0.09), (3.0, 0.88, 0.09), (2.0, 0.84, 0.1)],
    ids=["ten a second", "five", "three", "two"],
)
def test_intervals_hold_the_truth_however_rare_looks_are(
    hz: float | None, covered: float, distance: float
) -> None:
    found = judged(hz)
    held = sum(one.covered for one in found) / sum(one.applications for one in found)
    assert held >= covered, f"{held:.3f}"
    wrong = sum(one.distance for one in found) / len(found)
    assert wrong <= distance, f"{wrong:.3f}"


def test_what_is_called_measured_is_near() -> None:
    """Two looks a second: a share is called measured where something counted tells it, or not at all."""
    shares = [
        (abs(share.share - one.truth.get(share.application_name or "", 0.0)), share.attribution)
        for one in judged(2.0)
        for share in one.shares
    ]
    measured = [error for error, attribution in shares if attribution == "measured"]
    assert len(measured) > 40
    assert sorted(measured)[int(len(measured) * 0.9)] < 0.08
