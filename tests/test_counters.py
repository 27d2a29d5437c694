"""Counters to deltas: nothing negative, nothing absurd, nothing lost that can be known."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pgscope.analysis.counters import StatementDeltas
from pgscope.sample import Poll, StatementCounters, StatementsInfo

ENTRY = StatementCounters(10, 5, 1, True, 0, 0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, None)


def entry(queryid: int, calls: int, since: float | None = None) -> StatementCounters:
    return ENTRY._replace(
        queryid=queryid, calls=calls, rows=2 * calls, total_exec_time=0.5 * calls, stats_since=since
    )


def poll(
    at: float, entries: Sequence[StatementCounters], dealloc: int = 0, reset: float | None = 1.0
) -> Poll:
    return Poll(at, at, (), statements=tuple(entries), statements_info=StatementsInfo(dealloc, reset))


def calls(deltas: StatementDeltas, sample: Poll) -> dict[int, float]:
    interval = deltas.feed(sample)
    assert interval is not None
    return {key.queryid: delta.calls for key, delta in interval.deltas.items()}


def test_the_first_read_says_nothing() -> None:
    deltas = StatementDeltas()
    assert calls(deltas, poll(1.0, [entry(1, 1000)])) == {}
    assert calls(deltas, poll(2.0, [entry(1, 1010)])) == {1: 10}


def test_after_a_lost_connection_it_starts_over() -> None:
    deltas = StatementDeltas()
    calls(deltas, poll(1.0, [entry(1, 10)]))
    deltas.restart()
    assert calls(deltas, poll(60.0, [entry(1, 5000)])) == {}
    assert calls(deltas, poll(61.0, [entry(1, 5001)])) == {1: 1}


def test_a_new_entry_counts_in_full_if_nothing_was_evicted() -> None:
    deltas = StatementDeltas()
    calls(deltas, poll(1.0, [entry(1, 10)]))
    assert calls(deltas, poll(2.0, [entry(1, 10), entry(2, 3)])) == {2: 3}
    assert calls(deltas, poll(3.0, [entry(1, 10), entry(2, 3), entry(3, 900)], dealloc=1)) == {}


def test_from_17_a_new_entry_counts_in_full_whatever_happened() -> None:
    deltas = StatementDeltas()
    calls(deltas, poll(1.0, [entry(1, 10, 0.5)]))
    # The second was evicted and made anew; the third is old, but its first call ended only now.
    sample = poll(2.0, [entry(1, 4, 1.5), entry(2, 7, 1.2), entry(3, 1, 0.1)], dealloc=1)
    assert calls(deltas, sample) == {1: 4, 2: 7, 3: 1}


def test_a_counter_that_went_down_counts_nothing() -> None:
    deltas = StatementDeltas()
    calls(deltas, poll(1.0, [entry(1, 1000)]))
    assert calls(deltas, poll(2.0, [entry(1, 20)])) == {}
    assert calls(deltas, poll(3.0, [entry(1, 25)])) == {1: 5}


def test_a_reset_is_told_and_makes_no_spike() -> None:
    deltas = StatementDeltas()
    calls(deltas, poll(1.0, [entry(1, 1000), entry(2, 5)]))
    interval = deltas.feed(poll(2.0, [entry(1, 3), entry(2, 9), entry(3, 50)], reset=1.7))
    assert interval is not None
    assert interval.reset
    assert {key.queryid: delta.calls for key, delta in interval.deltas.items()} == {2: 4}


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 3), st.booleans(), st.booleans()),
        min_size=2,
        max_size=30,
    )
)
def test_whatever_the_server_does_no_delta_exceeds_what_was_run(
    steps: list[tuple[int, int, bool, bool]],
) -> None:
    deltas = StatementDeltas()
    now, dealloc, reset = 0, 0, 1.0
    shown = run = 0.0
    for at, (more, _, evicted, wiped) in enumerate(steps, 1):
        if wiped:
            now, reset = 0, float(at)
        if evicted:
            now, dealloc = 0, dealloc + 1
        now += more
        run += more
        interval = deltas.feed(poll(at, [entry(1, now)] if now else [], dealloc, reset))
        assert interval is not None
        for delta in interval.deltas.values():
            assert min(delta) >= 0
            shown += delta.calls
    assert shown <= run
