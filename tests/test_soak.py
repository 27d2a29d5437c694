"""Hours on a server on which nothing lasts: what pgscope keeps does not grow with them."""

from __future__ import annotations

from itertools import islice

import pytest

from pgscope.analysis import window
from pgscope.analysis.attribution import groups
from pgscope.analysis.counters import StatementDeltas
from pgscope.analysis.watch import Watch
from pgscope.report.document import document
from pgscope.sample import Poll
from tests.churn import churn, sizes

HALF = 260
"""Seconds; longer than any window but those that are bounded by their number."""

BOUNDED = (
    "Watch._deep[]._walks._context.series._texts",  # series.TEXTS
    "Watch.load_history._spans",  # history._MOST, each with the applications of its time
    "Watch.locks._ended[]",  # waits._WINDOW
)
"""What has a bound that is far off here."""


def test_what_is_forgotten_stays_in_the_sums() -> None:
    watch, deltas, calls = Watch(), StatementDeltas(), 0.0
    watch.spare = 20
    for sample in churn(HALF, entries=10):
        watch.feed(sample)
        if isinstance(sample, Poll) and (interval := deltas.feed(sample)) is not None:
            calls += sum(delta.calls for delta in interval.deltas.values())
    assert watch.forgotten.calls > 0
    told = document(watch)
    assert told["totals"]["calls"] == calls
    assert abs(sum(one["calls"] for one in told["applications"]) - calls) < 0.01 * len(told["applications"])


def test_what_forgotten_applications_ran_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_MOST_NAMES", 5)
    watch = Watch()
    for sample in churn(240, application=1, new_entries=False):
        watch.feed(sample)
        watch.wants()
    told = document(watch)
    known = {one["application_name"] for one in told["applications"]}
    assert not [name for name in known if name is not None and not name.startswith("job-")]
    assert abs(sum(one["calls"] for one in told["applications"]) - told["totals"]["calls"]) < 1
    shares = [share for key in watch.window for share in watch.attribution.shares(key, watch=True)]
    assert not [share for share in shares if share.attribution == "exact"], "others ran each of them before"
    nobody = [share.share for share in shares if share.application_name is None]
    assert sum(nobody) > 0.5 * len(watch.window), "most ran before any of those that are still known"


@pytest.mark.parametrize(("application", "new_entries"), [(30, True), (1, False)])
def test_nothing_grows_with_time(
    application: int, new_entries: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_MOST_NAMES", 40)
    monkeypatch.setattr(window, "_MOST", 40)
    watch = Watch()
    watch.spare = 20
    samples = churn(2 * HALF, application=application, new_entries=new_entries)
    measured: list[dict[str, int]] = []
    for _ in range(2):
        most: dict[str, int] = {}
        for _ in range(HALF // 20):
            for sample in islice(samples, 4 * 20):
                watch.feed(sample)
                watch.wants()
            snapshot = watch.snapshot()
            # Somebody looked at all statements once, and does no more.
            len(snapshot.statements.working if measured or most else snapshot.statements)
            # What is cut back now and then goes up and down: its largest counts.
            for path, count in sizes(watch).items():
                most[path] = max(most.get(path, 0), count)
        measured.append(most)
    before, after = measured
    grown = {
        path: (before.get(path, 0), count)
        for path, count in after.items()
        if count > 1.3 * before.get(path, 0) + 20 and not path.startswith(BOUNDED)
    }
    assert grown == {}
