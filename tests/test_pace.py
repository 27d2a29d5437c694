"""The rate of looks follows their cost, within its bounds, and recovers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.capture.pace import Budget, Pace, TextPace, next_look


def settle(pace: Pace, server_ms: float, looks: int = 200) -> float:
    for _ in range(looks):
        pace.looked(server_ms)
    return pace.period


def test_ten_a_second_while_looks_are_cheap() -> None:
    pace = Pace()
    assert settle(pace, 0.4) == 0.1
    assert pace.throttled == ""
    assert not pace.over_budget


def test_slower_where_a_look_costs_more() -> None:
    pace = Pace()
    assert abs(settle(pace, 3.0) - 0.3) < 0.01
    assert "3.3 Hz" in pace.throttled
    assert "1%" in pace.throttled


def test_what_the_poll_takes_is_not_there_for_looks() -> None:
    pace = Pace()
    pace.polled(5.0, 1.0)
    # Five looks a second, and the poll stands for a sixth.
    assert abs(settle(pace, 1.0) - 1 / 6) < 0.01


def test_never_below_two_a_second_because_of_the_poll_alone() -> None:
    pace = Pace()
    pace.polled(50.0, 1.0)
    assert settle(pace, 1.0) == 0.5
    assert not pace.over_budget


def test_out_of_budget_it_goes_on_slower() -> None:
    pace = Pace()
    assert abs(settle(pace, 20.0) - 2.0) < 0.05
    assert pace.over_budget


def test_stops_where_no_rate_fits_the_budget() -> None:
    pace = Pace(Budget(fraction=0.0001))
    assert settle(pace, 20.0) == Budget().stopped
    assert "the sampler stopped" in pace.throttled
    assert "0.01%" in pace.throttled


def test_recovers() -> None:
    pace = Pace()
    for costly in (20.0, 2000.0):
        settle(pace, costly)
        assert settle(pace, 0.3) == 0.1


def test_then_the_poll_slows_down_and_recovers() -> None:
    pace = Pace()
    for _ in range(30):
        pace.looked(1.0)
        pace.polled(40.0, 1.0)
    assert 4.0 < pace.poll_period(1.0) < 6.0
    assert "polling every" in pace.throttled
    for _ in range(30):
        pace.looked(1.0)
        pace.polled(2.0, 1.0)
    assert pace.poll_period(1.0) == 1.0
    assert pace.poll_period(3.0) == 3.0


def seen(period: float, between_polls: float, *, phase: float = 0.0, seconds: float = 30.0) -> list[float]:
    """When somebody looks, be it a look or a poll, with the first look this long after the first poll."""
    polls = [n * between_polls for n in range(int(seconds / between_polls) + 1)]
    looks = [phase]
    while looks[-1] < seconds - between_polls - period:
        due = next(poll for poll in polls if poll > looks[-1] - 0.005)
        looks.append(next_look(looks[-1], period, due, between_polls))
    return sorted([*looks, *(poll for poll in polls if poll <= looks[-1])])


@given(
    st.sampled_from((0.1, 0.15, 0.3, 0.5)),
    st.sampled_from((0.1, 0.5, 1.0, 1.5, 5.0)),
    st.floats(min_value=0.0, max_value=1.0),
)
def test_looks_are_spaced_evenly_between_polls(period: float, between: float, phase: float) -> None:
    moments = seen(period, between, phase=phase * between)
    settled = [moment for moment in moments if moment > 2 * between]
    gaps = [b - a for a, b in pairwise(settled)]
    assert max(gaps) <= 1.5 * period
    if between >= 2 * period:
        assert min(gaps) >= period * 0.98


def spent(look_ms: float, poll_ms: float, interval: float, fraction: float) -> tuple[float, float]:
    """What looks and polls of such a cost take together in the minutes after the first (part of a core), and
    looks a second, polls counted."""
    pace = Pace(Budget(fraction=fraction, reserve=0.15))
    now = look_at = poll_at = cost = 0.0
    moments = []
    while now < 360.0:
        now = min(look_at, poll_at)
        moments.append(now)
        if now < 60.0:
            cost = 0.0
        if poll_at <= look_at:
            pace.polled(poll_ms, interval)
            poll_at = now + pace.poll_period(interval)
            cost += poll_ms
        else:
            period = pace.looked(look_ms)
            look_at = next_look(now, period, poll_at, pace.poll_period(interval))
            cost += look_ms
    return cost / 1000.0 / 300.0, sum(moment >= 60.0 for moment in moments) / 300.0


@pytest.mark.parametrize(
    ("look_ms", "poll_ms", "interval", "fraction", "most"),
    [
        (0.6, 1.5, 1.0, 0.01, 0.0087),
        (2.0, 7.0, 1.0, 0.01, 0.0095),
        (1.0, 10.6, 1.0, 0.01, 0.0090),
        (9.0, 9.0, 1.0, 0.01, 0.0150),
        (20.0, 20.0, 1.0, 0.01, 0.0150),
        (150.0, 100.0, 1.0, 0.01, 0.0150),
        (1.1, 1.05, 1.0, 0.0001, 0.00025),
        (8.5, 5.0, 0.95, 0.01, 0.0150),
        (0.85, 0.5, 0.19, 0.01, 0.0088),
        (5.0, 5.0, 0.3, 0.01, 0.0150),
    ],
)
def test_polls_and_looks_together_keep_to_the_budget(
    look_ms: float, poll_ms: float, interval: float, fraction: float, most: float
) -> None:
    """Where not even the slowest useful rates fit, looks take all of it at the most, and polls half of it."""
    assert spent(look_ms, poll_ms, interval, fraction)[0] <= most


@pytest.mark.parametrize("poll_ms", [3.0, 7.0, 10.6, 20.0])
def test_two_looks_a_second_with_polls_however_rare_these_are(poll_ms: float) -> None:
    assert spent(1.0, poll_ms, 1.0, 0.01)[1] >= 1.95


def test_a_poll_spares_a_look() -> None:
    assert len(seen(0.5, 1.0)) <= 2 * 30 + 2, "one look between two polls"
    assert len(seen(0.1, 1.0)) <= 10 * 30 + 2


def test_looks_rarer_than_polls_keep_their_own_pace() -> None:
    assert next_look(100.0, 10.0, 100.5, 1.0) == 110.0
    assert next_look(100.0, 1.0, 100.5, 1.0) == 101.0


def test_a_poll_that_does_not_come_back_stands_for_nothing() -> None:
    assert next_look(100.0, 0.5, 98.0, 1.0) == 100.5


def test_one_slow_look_changes_little() -> None:
    pace = Pace()
    settle(pace, 0.5)
    assert pace.looked(500.0) <= 0.2


@given(
    st.lists(st.floats(min_value=0, max_value=1e5), min_size=1, max_size=60),
    st.floats(min_value=0, max_value=0.1),
    st.floats(min_value=0, max_value=1e4),
)
def test_always_within_its_bounds(costs: list[float], fraction: float, poll_ms: float) -> None:
    budget = Budget(fraction=fraction)
    pace = Pace(budget)
    pace.polled(poll_ms, 1.0)
    for cost in costs:
        period = pace.looked(cost)
        assert budget.fastest <= period <= budget.slowest or period == budget.stopped
        assert 1.0 <= pace.poll_period(1.0) <= budget.slowest


def test_a_dear_look_now_and_then_is_paid_for() -> None:
    """Every fourth look reads the odometers of hundreds of sessions: the mean is what has to fit."""
    pace = Pace(Budget(0.01, 0.1, 0.5))
    for number in range(200):
        pace.looked(8.0 if number % 4 == 0 else 0.3)
    mean = (8.0 + 3 * 0.3) / 4 / 1000.0
    assert mean / pace.period <= 0.01 * 1.25


def test_texts_take_two_percent_of_the_time() -> None:
    texts = TextPace()
    assert texts.read(0.5) == 2.0, "the first is dearer than any other"
    assert texts.read(0.1) == 5.0
    assert texts.read(0.001) == 0.2
