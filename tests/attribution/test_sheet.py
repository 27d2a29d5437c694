"""What the balance sheet takes for likely where looks are few: by hand, a case each."""

from __future__ import annotations

from pgscope.analysis.attribution.groups import Group, GroupKey, Odometry
from pgscope.analysis.attribution.shares import Share
from pgscope.analysis.attribution.sheet import Circumstances, Sheet, Total
from pgscope.analysis.attribution.tally import Seen, age_bucket

BEGIN, COMMIT, SHARED, OWN = 1, 2, 3, 4
SECONDS, LOOKS = 60.0, 120


def seen(times: int, age: float = 0.05) -> Seen:
    found = Seen()
    for _ in range(times):
        found.add(age_bucket(age))
    return found


def group(
    seen: dict[int, Seen], *, transactions: float = 0.0, buffers: float = 0.0, sessions: int = 1
) -> Group:
    return Group(
        seen,
        Odometry(transactions, 1.0, sessions if transactions else 0),
        Odometry(buffers, 1.0, sessions if buffers else 0),
        sessions,
    )


def shares(totals: dict[int, Total], groups: dict[GroupKey, Group], query_id: int) -> dict[str | None, Share]:
    names = [key.application_name for key in groups]
    about = Circumstances(LOOKS, SECONDS, ({BEGIN}, {COMMIT}), names, {}, short_lived=False)
    return {one.application_name: one for one in Sheet(totals, groups, about).shares(query_id)}


def test_who_ends_transactions_has_begun_them() -> None:
    totals = {BEGIN: Total(1000.0, 0.0, 0.01), COMMIT: Total(1000.0, 0.0, 0.1)}
    groups = {
        GroupKey("mixed", "mixed", counted=True): group({COMMIT: seen(40)}, transactions=920.0),
        GroupKey("rare", "unknown", counted=False): group({COMMIT: seen(4)}),
    }
    found = shares(totals, groups, BEGIN)
    assert found["mixed"].share > 0.7
    assert found["mixed"].observations == 0


def test_statements_that_visit_no_buffers_are_no_pipelines_for_a_few_of_the_catalog() -> None:
    totals = {SHARED: Total(10_000.0, 0.0, 20.0)}
    groups = {
        GroupKey("much", "autocommit", counted=True): group(
            {SHARED: seen(80)}, transactions=7000.0, buffers=50.0
        ),
        GroupKey("little", "autocommit", counted=True): group(
            {SHARED: seen(80)}, transactions=3000.0, buffers=50.0
        ),
    }
    found = shares(totals, groups, SHARED)
    assert abs(found["much"].share - 0.7) < 0.02
    assert found["much"].high - found["much"].low < 0.1


def test_transactions_that_visit_far_more_than_a_statement_hold_several() -> None:
    """A pipeline of ten counts one transaction; nobody saw it at work, but its buffers tell."""
    totals = {SHARED: Total(60_000.0, 180_000.0, 6.0)}
    groups = {
        GroupKey("pipeline", "autocommit", counted=True): group(
            {SHARED: seen(100)}, transactions=4000.0, buffers=120_000.0
        ),
        GroupKey("single", "autocommit", counted=True): group(
            {SHARED: seen(100)}, transactions=20_000.0, buffers=60_000.0
        ),
    }
    found = shares(totals, groups, SHARED)
    assert found["pipeline"].low <= 2 / 3 <= found["pipeline"].high
    assert found["pipeline"].share > 0.5


def test_long_work_of_its_own_leaves_little_that_was_overlooked() -> None:
    """Half of the time it was there to be seen: what it runs besides would have been seen too."""
    busy, idle = (
        shares(
            {OWN: Total(1500.0, 0.0, own_seconds), SHARED: Total(10_000.0, 30_000.0, 1.0)},
            {
                GroupKey("busy", "autocommit", counted=True): group(
                    {OWN: seen(60), SHARED: seen(20)}, transactions=8500.0
                ),
                GroupKey("other", "unknown", counted=False): group({SHARED: seen(20)}),
            },
            SHARED,
        )["busy"]
        for own_seconds in (30.0, 0.03)
    )
    assert busy.low <= 0.7 <= busy.high
    assert busy.high - busy.low < 0.7 * (idle.high - idle.low)


def test_buffers_that_parallel_workers_visited_squeeze_nobody_out() -> None:
    """The statement of its own has visited three times what its sessions did: workers did the rest."""
    totals = {OWN: Total(200.0, 600_000.0, 5.0), SHARED: Total(5000.0, 15_000.0, 0.1)}
    groups = {
        GroupKey("report", "transactions", counted=True): group(
            {OWN: seen(50), SHARED: seen(20)}, transactions=200.0, buffers=212_000.0
        ),
        GroupKey("api", "transactions", counted=True): group(
            {SHARED: seen(5)}, transactions=250.0, buffers=2600.0
        ),
    }
    found = shares(totals, groups, SHARED)
    assert found["report"].low <= 0.83 <= found["report"].high
    assert found["report"].share > 0.7
    assert not any("buffers" in line for line in found["report"].basis)
    assert any("buffers" in line for line in found["api"].basis)


def autocommit(transactions: float) -> Group:
    return group({SHARED: seen(250)}, transactions=transactions)


def test_who_prepares_each_call_is_told_by_what_all_did() -> None:
    """Each call of lib/pq is two transactions: 5,200 of its own, where there were fewer calls than that."""
    groups = {
        GroupKey(name, "autocommit", counted=True): autocommit(transactions)
        for name, transactions in (("go", 5200.0), ("web", 9600.0), ("small", 1320.0))
    }
    found = shares({SHARED: Total(13_520.0, 0.0, 0.2)}, groups, SHARED)
    truth = {"go": 0.192, "web": 0.710, "small": 0.098}
    assert all(found[name].low <= share <= found[name].high for name, share in truth.items())
    assert all(abs(found[name].share - share) < 0.06 for name, share in truth.items())


def test_a_single_sighting_tells_by_its_age() -> None:
    """A connection that was there for an instant, and seen once: in a loop, or in a pause."""
    in_a_loop, in_a_pause = (seen(1, age).rate()[0] for age in (0.0001, 0.05))
    assert in_a_loop > 100 * in_a_pause
    found = shares(
        {SHARED: Total(500.0, 0.0, 0.01)},
        {
            GroupKey("main", "autocommit", counted=False): group({SHARED: seen(200, 0.05)}),
            GroupKey("cron", "unknown", counted=False): group({SHARED: seen(1, 0.0001)}),
        },
        SHARED,
    )
    assert found["cron"].high >= 0.4
