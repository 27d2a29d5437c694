"""The other kinds of findings, and what burst probes prove, on constructed samples."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from pgscope.analysis.counters import Counts, Interval
from pgscope.analysis.findings import Findings, FindingSettings, Thresholds
from pgscope.analysis.findings.conservation import judge
from pgscope.analysis.findings.exact import exact
from pgscope.analysis.findings.relation import Relationship
from pgscope.analysis.findings.runs import runs
from pgscope.analysis.findings.series import SPAN, Series
from pgscope.analysis.findings.sightings import Sightings
from pgscope.analysis.roster import Roster
from pgscope.sample import (
    Burst,
    BurstRow,
    BurstWanted,
    CatalogWanted,
    Connected,
    Lock,
    Poll,
    Session,
    StatementKey,
    XminHolder,
)
from pgscope.text import ordinal
from tests.churn import FACTS
from tests.findings_series import AUTHOR, CHOICES, DATID, PAGE, ROLE, TOUCH, World, pages, steady

COLLECTION = Relationship("collection", "choice.question_id", "fk", "question", "choice")
INSERT = "INSERT INTO choice (question_id, choice_text) VALUES ($1, $2)"
ALL = "SELECT question.id, question.question_text, question.author_id FROM question"


def session(**changes: object) -> Session:
    base = Session(
        7, 1.0, DATID, "shop", ROLE, "ann", "web", "10.0.0.1", 1, "client backend", None, "idle", "", "",
        None, 990.0, 990.0, None, None, None, "select 1",
    )  # fmt: skip
    return base._replace(**changes)  # type: ignore[arg-type]


def kinds(findings: Findings, at: float) -> list[str]:
    return [finding.kind for finding in findings.current(at)]


def test_runs_are_told_by_transaction() -> None:
    def row(at: float, query_id: int, xact: float | None, state: str) -> BurstRow:
        return BurstRow(at, query_id, at, xact, state)

    rows = (
        row(1.000, 1, 0.99, "idle in transaction"),
        row(1.005, 2, 0.99, "active"),
        row(1.010, 2, 0.99, "idle in transaction"),
        row(1.015, 2, 0.99, "idle in transaction"),
        row(1.0151, 2, 0.99, "idle in transaction"),
        row(1.020, 9, None, "idle"),
        row(1.030, 2, 1.029, "active"),
    )
    found = runs(Burst(1.0, 1.0, 7, 1.0, DATID, ROLE, "web", rows))
    looped = next(run for run in found if run.query_id == 2)
    assert (looped.executions, looped.in_transaction, looped.before) == (3, True, frozenset({1}))
    assert looped.client_loop
    assert [run.executions for run in found if run.query_id == 2] == [3, 1]


def test_exact_sums_through_straddling_pages() -> None:
    rows, calls = [48, 34, 52, 0, 33, 72, 19, 14], [48, 34, 40, 12, 33, 47, 44, 14]
    met = exact(rows, [2, 2, 2, 0, 2, 3, 1, 1], calls, 1)
    assert (met.stretches, met.windows) == (6, 8)
    assert met.bits > 12


def test_look_alikes_do_not_meet() -> None:
    """Calls that follow the pages, as many as there are rows in the mean, but not the rows."""
    likely = 0
    for seed in range(60):
        rng = random.Random(seed)
        numbers = [rng.randint(0, 4) for _ in range(30)]
        rows = [sum(rng.randint(8, 30) for _ in range(n)) for n in numbers]
        calls = [round(19 * n * rng.uniform(0.9, 1.1)) for n in numbers]
        assert exact(rows, numbers, calls, 1).windows < 10
        verdict = judge(rows, numbers, calls, COLLECTION)
        assert verdict is None or not verdict.strong
        likely += verdict is not None and not verdict.needs_run
    assert likely <= 2


def test_insert_loop_is_found_and_a_pipeline_is_not() -> None:
    for waiting, expected in ((range(20), ["row_by_row_writes"]), ((), []), ((19,), [])):
        world = World()
        world.run(5, steady(INSERT, 20, 30))
        at = world.at
        rows = [
            BurstRow(
                at + n / 200, world.key(INSERT).queryid, at + min(n, 19) / 200, at,
                "idle in transaction" if min(n, 19) in waiting else "active",
            )
            for n in range(60)  # after the last one it pauses before it commits
        ]  # fmt: skip
        world.findings.feed(Burst(at, at, 7, 1.0, DATID, ROLE, "importer", tuple(rows), 0.2))
        found = world.run(4, steady(INSERT, 20, 30))
        assert [finding.kind for finding in found] == expected
        if found:
            assert "unnest" in found[0].remedy.sql
            assert found[0].cost.round_trip_ms == 0.2


@pytest.mark.parametrize(("calls", "expected"), [(60, ["row_by_row_writes"]), (600, [])])
def test_chunks_sent_at_once_are_no_loop(calls: int, expected: list[str]) -> None:
    """Each 15 ms a client sends a chunk, and waits in its transaction; a slow loop looks the same, but for
    what was counted."""
    world = World()
    world.seen("importer", 7, INSERT)
    program = steady(INSERT, calls, calls)
    world.run(5, program)
    rows = [
        BurstRow(
            world.at + n / 200, world.key(INSERT).queryid, world.at + n // 3 * 3 / 200, world.at - 0.1,
            "idle in transaction",
        )
        for n in range(60)
    ]  # fmt: skip
    world.findings.feed(Burst(world.at, world.at, 7, 1.0, DATID, ROLE, "importer", tuple(rows), 0.2))
    assert [finding.kind for finding in world.run(4, program)] == expected


def test_look_up_loop_is_listed_uncoloured_after_patience() -> None:
    world = World()
    world.run(3, steady(AUTHOR, 30, 60))
    world.burst("filler", 7, [*[AUTHOR] * 9, "COMMIT"] * 3)
    assert kinds(world.findings, world.at) == []
    (finding,) = world.run(20, steady(AUTHOR, 30, 60))
    assert (finding.kind, finding.grade) == ("lookup_loop", "")


def test_a_parent_found_later_takes_the_loop_over() -> None:
    world = World()
    program = pages(TOUCH, child_rows=1)
    world.run(2, program)
    world.burst("shop", 7, [*[TOUCH] * 9, "COMMIT"] * 3)
    (finding,) = world.run(25, program)
    assert (finding.kind, finding.parent and finding.parent.query) == ("row_by_row_writes", PAGE)


def test_overfetch_of_a_whole_table() -> None:
    world = World()
    (finding,) = world.run(8, steady(ALL, 1, 2, rows=5000))
    assert (finding.kind, finding.grade) == ("overfetch", "confirmed")
    assert finding.remedy.sql == "SELECT count(*) FROM question"
    (finding,) = World().run(8, steady(ALL + " WHERE author_id = $1", 1, 2, rows=5000))
    assert (finding.kind, finding.remedy.sql) == ("overfetch", "")
    assert world.run(8, steady(ALL, 1, 2, rows=5000)) and len(world.findings.current(world.at)) == 1


@pytest.mark.parametrize(
    "text", [ALL + " LIMIT $1", "SELECT count(*) FROM question", ALL + " WHERE id IN ($1, $2)"]
)
def test_no_overfetch(text: str) -> None:
    world = World()
    assert not world.run(8, steady(text, 1, 2, rows=5000))


def test_slow_statement() -> None:
    world = World()

    def slow(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        return {"SELECT pg_sleep($1)": (50_000, 1)}

    (finding,) = world.run(5, slow)
    assert finding.kind == "slow_statement"


def test_idle_in_transaction_with_what_it_holds() -> None:
    findings = Findings()
    idle = session(
        state="idle in transaction", state_change=900.0, xact_start=890.0, backend_xid=5, xmin_age=77,
        query="UPDATE question SET x = 1",
    )  # fmt: skip
    lock = Lock(
        7, "relation", DATID, 1, "public.question", None, None, "", None, None, None, None, "3/4",
        "RowExclusiveLock", True, True, None,
    )  # fmt: skip
    for at in (1000.0, 1001.0):
        findings.feed(Poll(at, at, (idle,), locks=(lock,)))
    (finding,) = findings.current(1001.0)
    assert finding.kind == "idle_in_transaction"
    assert finding.grade == "confirmed"
    assert {item.kind for item in finding.evidence} == {"idle", "locks", "writes", "xmin"}
    assert finding.remedy.sql == "SELECT pg_terminate_backend(7)"
    for at in (1002.0, 1006.0):
        findings.feed(Poll(at, at, (session(),)))
    assert [finding.ended for finding in findings.current(1006.0)] == [True]


def test_idle_transactions_that_come_again_are_counted() -> None:
    """By application, whichever session it is; each counts once, however long it lasts."""
    findings = Findings()
    said = []
    for turn in range(4):
        start = 1000.0 + 100 * turn
        state = "idle in transaction"
        idle = session(pid=7 + turn % 2, state=state, state_change=start, xact_start=start, query="SELECT 1")
        other = session(pid=50, application_name="o", state=state, state_change=500.0, xact_start=500.0)
        for after in (10.0, 40.0, 41.0, 45.0):
            at = start + after
            findings.feed(Poll(at, at, (idle, other)))
        said.append([one for one in findings.current(at) if not one.ended])
        findings.feed(Poll(at + 5, at + 5, (other,)))
    summaries = [one.summary for turn in said for one in turn if one.pids != (50,)]
    assert [summary.partition(" time: ")[0] for summary in summaries[1:]] == ["2nd", "3rd", "4th"]
    assert summaries[0].startswith("pid 7 idle for 45 s")
    (last,) = [one for one in said[3] if one.pids != (50,)]
    (again,) = [item for item in last.evidence if item.kind == "again"]
    assert again.numbers == {"times": 4, "seconds": 304.0}
    assert all("time:" not in one.summary for turn in said for one in turn if one.pids == (50,))


def test_pauses_in_one_transaction_are_one_time() -> None:
    """Whatever statement each came after, and whoever else of the application had one in between."""
    findings = Findings()
    mine = {"pid": 7, "state": "idle in transaction", "xact_start": 1000.0}
    for turn in range(5):
        start = 1001.0 + 40 * turn
        idle = session(**mine, state_change=start, query=f"SELECT {'a' * (turn + 1)}", query_id=turn + 1)
        for after in (31.0, 32.0, 33.0):
            findings.feed(Poll(start + after, start + after, (idle,)))
        findings.feed(Poll(start + 34, start + 34, (session(**{**mine, "state": "active"}),)))
    shown = findings.current(1197.0)
    assert shown and all("time:" not in one.summary for one in shown)


def test_ordinals() -> None:
    assert [ordinal(one) for one in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 1022)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th", "1,022nd",
    ]  # fmt: skip


def test_xmin_holders_and_unnamed_sessions() -> None:
    findings = Findings()
    holders = (XminHolder("replication slot", "o'old", 5_000_000, "logical, inactive"),)
    for at in (1000.0, 1001.0):
        findings.feed(Poll(at, at, (session(application_name=""),), xmin_holders=holders))
    found = {finding.kind: finding for finding in findings.current(1001.0)}
    assert set(found) == {"xmin_held", "no_application_name"}
    assert found["xmin_held"].remedy.sql == "SELECT pg_drop_replication_slot('o''old')"
    assert "connect_args" in dict(found["no_application_name"].remedy.lines)["SQLAlchemy"]


def test_ignored_and_thresholds_by_application() -> None:
    world = World()
    world.seen("shop", 7, PAGE, CHOICES)
    (finding,) = world.run(20, pages(CHOICES))
    world.findings.settings = FindingSettings(ignored=frozenset({finding.fingerprint}))
    assert world.findings.current(world.at) == ()
    high = {"shop": Thresholds(calls_per_s=1e6)}
    world.findings.settings = FindingSettings(by_application=high)
    assert world.findings.current(world.at) == ()
    world.findings.settings = FindingSettings(by_application={"other": high["shop"]})
    assert len(world.findings.current(world.at)) == 1


def test_what_was_shown_stays_until_it_has_ended() -> None:
    """Not hidden while it fades below the threshold, to come back as ended."""
    world = World()
    world.seen("shop", 7, PAGE, CHOICES)
    world.findings.settings = FindingSettings(by_application={"shop": Thresholds(calls_per_s=30.0)})
    assert world.run(20, pages(CHOICES))
    fading = world.steps(25, pages(CHOICES, least=2, most=3, rate=(1, 1)))
    assert all(fading)
    assert min(one[0].cost.calls_per_s for one in fading) < 30.0
    gone = world.steps(150, steady(TOUCH, 1, 2))
    assert any(found and found[0].ended for found in gone)
    assert not gone[-1]


def test_wishes_are_few_and_told_once() -> None:
    world = World(catalog=None)
    world.findings.feed(Poll(world.at, world.at, (session(pid=100),)))
    world.seen("importer", 100, INSERT)
    wanted = []
    for _ in range(20):
        world.run(1, steady(INSERT, 20, 30))
        wanted += list(world.findings.wants())
    assert [wish for wish in wanted if isinstance(wish, CatalogWanted)] == [CatalogWanted(DATID, "shop")]
    bursts = [wish for wish in wanted if isinstance(wish, BurstWanted)]
    assert 1 <= len(bursts) <= 4
    assert set(bursts) == {BurstWanted(100, 1.0)}
    # A run too short to prove it: the next probe may.
    world.burst("importer", 100, [INSERT, INSERT, INSERT, "COMMIT"])
    again = 0
    for _ in range(40):
        assert world.run(1, steady(INSERT, 20, 30)) == ()
        again += sum(isinstance(wish, BurstWanted) for wish in world.findings.wants())
    assert 3 <= again <= 6


def test_a_sighting_counts_for_a_minute_however_long_the_session_stays() -> None:
    sightings, roster = Sightings(), Roster()
    for second in range(120):
        poll = Poll(
            1000.0 + second,
            float(second),
            (
                # A pool's session, which the next release took over, with statements that never come again.
                session(
                    application_name="old" if second < 20 else "new",
                    query_id=11 if second < 20 else 100 + second,
                    query_start=float(second),
                ),
                session(pid=8, query_id=12),
            ),
        )
        roster.feed(poll)
        sightings.poll(poll, roster)
        if second == 19:
            assert sightings.applications([StatementKey(ROLE, DATID, 11, True)]) == {"old": 20}
    assert sightings.applications([StatementKey(ROLE, DATID, 11, True)]) == {}
    assert len(sightings._seen) <= 75


def test_what_an_entry_more_did_before_its_text_came_is_not_lost() -> None:
    """Of larger numbers, which are of another type, there is an entry more in the midst of a job."""
    series, small, large = Series(), StatementKey(ROLE, DATID, 1, True), StatementKey(ROLE, DATID, 2, True)
    series.learn({(DATID, 1): CHOICES})
    for second, key in enumerate([small, small, small, large, large, large]):
        series.observe(Interval(second, second, 1.0, {key: Counts(calls=100.0)}))
        if second == 4:
            series.learn({(DATID, 2): CHOICES})
    group = series.group_of(large)
    assert group is not None and group is series.group_of(small)
    assert group.calls == sum(cell.calls for cell in group.cells) == 600


def test_a_round_trip_that_was_short_is_none_on_another_way() -> None:
    world = World()
    for ms, expected in ((0.2, 0.2), (30.0, 0.2), (0.0, 0.2)):
        world.findings.feed(Poll(world.at, world.at, (), round_trip_ms=ms))
        (found,) = [one for one in world.run(12, pages(CHOICES)) if one.kind == "n_plus_one"]
        assert found.cost.round_trip_ms == expected
    world.at += 400  # its clock was set when that was measured
    for _ in range(2):
        world.findings.feed(Poll(world.at, world.at, (), round_trip_ms=30.0))
        world.at += 400
    (found,) = [one for one in world.run(12, pages(CHOICES)) if one.kind == "n_plus_one"]
    assert found.cost.round_trip_ms == 30.0
    world.findings.feed(Connected(world.at, world.at, FACTS))
    world.findings.feed(Poll(world.at, world.at, (), round_trip_ms=45.0))
    (found,) = [one for one in world.run(15, pages(CHOICES)) if one.kind == "n_plus_one"]
    assert found.cost.round_trip_ms == 45.0


def test_what_a_statement_did_is_not_kept_for_ever_for_a_text_that_never_comes() -> None:
    series, key = Series(), StatementKey(ROLE, DATID, 99, True)
    for second in range(100):
        series.observe(Interval(second, second, 1.0, {key: Counts(calls=1.0)}))
    assert len(series._untold[key]) <= SPAN
    series.learn({(DATID, 99): CHOICES})
    series.observe(Interval(100.0, 100.0, 1.0, {key: Counts(calls=1.0)}))
    group = series.group_of(key)
    assert group is not None
    assert group.calls == SPAN
