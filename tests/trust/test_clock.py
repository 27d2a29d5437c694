"""The server's clock is stepped while it is watched: rates are by our own clock, and no age is negative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pgscope.analysis.activity import state_age, statement_age, transaction_age
from pgscope.analysis.watch import Watch
from pgscope.report import render
from pgscope.sample import Poll, Sample
from tests.tui.recorded import shop


def stepped(seconds: float) -> Iterator[Sample]:
    """The demo's shop; from the middle on the server says another time of day."""
    taken = shop().taken
    for place, sample in enumerate(taken):
        late = place > len(taken) // 2
        yield replace(sample, at=sample.at + seconds) if late else sample


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, -30.0, 86_400.0 * 365])
def test_a_step_makes_no_spike(seconds: float) -> None:
    usual, other = Watch(), Watch()
    highest = {usual: 0.0, other: 0.0}
    for watch, samples in ((usual, shop().taken), (other, list(stepped(seconds)))):
        for sample in samples:
            watch.feed(sample)
            if isinstance(sample, Poll):
                rows = watch.snapshot().statements.values()
                highest[watch] = max([highest[watch], *(row.rates.calls for row in rows)])
                assert all(row.rates.calls >= 0 for row in rows)
    assert highest[usual] > 0
    assert highest[other] == pytest.approx(highest[usual])
    assert other.window == usual.window
    shown, expected = other.snapshot(), usual.snapshot()
    assert shown.totals.calls_per_s == pytest.approx(expected.totals.calls_per_s)
    assert shown.totals.transactions_per_s == pytest.approx(expected.totals.transactions_per_s)
    for session in shown.sessions:
        for age in (state_age, statement_age, transaction_age):
            assert (age(session, shown.at) or 0.0) >= 0.0
    assert all(wait.seconds >= 0 for wait in other.locks.window())
    waits, expected_waits = (sorted(one.waiter.pid for one in w.locks.window()) for w in (other, usual))
    assert waits == expected_waits
    for form in ("text", "markdown", "json", "html"):
        assert render(other, form)
