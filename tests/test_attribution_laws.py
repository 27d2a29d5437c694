"""Laws that every attribution keeps, whatever it is fed."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pgscope.analysis.attribution import Attribution
from pgscope.analysis.counters import Counts, Interval, total
from pgscope.sample import Look, Odometer, Sighting, StatementKey

USERS = DATABASES = (1, 2)
QUERIES = (10, 11, 12, 13)
NAMES = ("shop", "api", "worker", "")
STATES = ("active", "idle", "idle in transaction")

keys = st.builds(
    StatementKey, st.sampled_from(USERS), st.sampled_from(DATABASES), st.sampled_from(QUERIES), st.booleans()
)
amounts = st.integers(0, 10_000)
counts = st.tuples(st.integers(1, 10_000), st.integers(0, 10_000), st.floats(0, 1e5), amounts, amounts).map(
    lambda row: Counts(calls=row[0], rows=row[1], exec_time=row[2], shared_hit=row[3], shared_read=row[4])
)
sightings = st.builds(
    lambda pid, name, state, query, age, xact: (pid, name, state, query, age, xact),
    st.integers(1, 12),
    st.sampled_from(NAMES),
    st.sampled_from(STATES),
    st.one_of(st.none(), st.sampled_from(QUERIES)),
    st.sampled_from([0.00005, 0.001, 0.05]),
    st.booleans(),
)
looks = st.tuples(
    st.lists(sightings, max_size=8),
    st.lists(st.tuples(st.integers(1, 12), amounts, st.one_of(st.none(), amounts)), max_size=6),
)
ticks = st.lists(
    st.tuples(st.lists(looks, max_size=4), st.dictionaries(keys, counts, max_size=8)), min_size=1, max_size=6
)


def fold(story: Any) -> Attribution:
    attribution = Attribution(seconds=4.0)
    mono = 100.0
    for seen, deltas in story:
        for number, (rows, odometers) in enumerate(seen):
            now = mono + 0.1 + number * 0.2
            attribution.feed(
                Look(
                    1e9 + now,
                    now,
                    tuple(
                        Sighting(
                            pid,
                            5.0,
                            1 + pid % 2,
                            1 + pid // 2 % 2,
                            name,
                            state,
                            "",
                            query,
                            1e9 + now - age,
                            1e9 + now - 0.06 if xact else None,
                            1e9 + now,
                        )
                        for pid, name, state, query, age, xact in rows
                    ),
                    tuple(Odometer(pid, 5.0, tx, buffers, now) for pid, tx, buffers in odometers),
                )
            )
        mono += 1.0
        attribution.observe(Interval(1e9 + mono, mono, 1.0, deltas))
    return attribution


@settings(max_examples=60, deadline=None)
@given(ticks, st.booleans())
def test_shares(story: Any, watch: bool) -> None:
    """They sum to one, lie within their intervals and within 0 to 1; who was not seen gets nothing."""
    attribution = fold(story)
    seen: set[tuple[int, int, int, str]] = set()
    for tick_looks, _ in story:
        for rows, _ in tick_looks:
            seen |= {
                (1 + pid // 2 % 2, 1 + pid % 2, query, name)
                for pid, name, _, query, _, _ in rows
                if query is not None
            }
    for user in USERS:
        for database in DATABASES:
            for query in QUERIES:
                shares = attribution.shares(StatementKey(user, database, query, True), watch=watch)
                # Whose sessions ran it: this user's; or, under SET ROLE, another's, if these never did.
                users = {row[0] for row in seen if row[1:3] == (database, query)}
                owner = user if user in users else next(iter(users), user)
                assert math.isclose(sum(one.share for one in shares), 1.0, abs_tol=1e-9)
                for one in shares:
                    assert 0.0 <= one.low <= one.share <= one.high <= 1.0
                    assert (one.application_name is None) == (one.attribution == "unattributed")
                    if one.application_name is not None:
                        assert (owner, database, query, one.application_name) in seen
                if not users:
                    assert [one.attribution for one in shares] == ["unattributed"]


@settings(max_examples=60, deadline=None)
@given(ticks, st.booleans())
def test_totals_are_conserved(story: Any, watch: bool) -> None:
    """All applications and the remainder together are what the server counted; nothing is negative."""
    attribution = fold(story)
    if watch:
        counted = total(delta for _, deltas in story for delta in deltas.values())
    else:
        counted = total(delta for _, deltas in story[-4:] for delta in deltas.values())
    applications = attribution.applications(watch=watch)
    for mine, true in zip(total(one.total for one in applications), counted, strict=True):
        assert math.isclose(mine, true, rel_tol=1e-6, abs_tol=1e-3)
    for application in applications:
        for part in application.statements:
            assert all(value >= 0 for value in part.counts)
        assert all(value >= 0 for value in application.total)
