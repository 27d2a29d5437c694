"""What did not change is not worked out again, and is what it would be if it were."""

from dataclasses import replace

import pytest

from pgscope.analysis.groups import GROUPINGS
from pgscope.analysis.live_statements import LiveStatements
from pgscope.analysis.statements import StatementRow, Statements, StatementTable
from pgscope.analysis.watch import Watch
from pgscope.sample import Burst, Look, Poll, Session, StatementKey
from tests.churn import churn, steady
from tests.recording.streams import shop


def test_rows_of_statements_are_those_made_anew() -> None:
    watch = Watch()
    kept = 0
    for sample in churn(40):
        before = watch.snapshot().statements
        watch.feed(sample)
        if isinstance(sample, Poll) and sample.statements is not None:
            rows = watch.snapshot().statements
            kept += sum(row is before.get(key) for key, row in rows.items())
            deltas = watch._deltas
            anew = StatementTable().update(
                deltas.entries,
                deltas.arranged,
                deltas.touched,
                watch._interval,
                watch.known,
                watch.attribution.shares,
            )
            assert [*rows] == [*anew]
            for key, row in rows.items():
                assert replace(anew[key], shares=row.shares) == row
    assert kept


def test_sessions_that_stay_as_they_are_count_as_before() -> None:
    """Objects that come again are not read again; copies of them are."""

    def told(again: bool) -> Watch:
        watch = Watch()
        known: dict[Session, Session] = {}
        for sample in churn(40):
            if isinstance(sample, Poll):
                copies = [one._replace() for one in sample.sessions]
                sessions = [known.setdefault(one, one) for one in copies] if again else copies
                sample = replace(sample, sessions=tuple(sessions))
            watch.feed(sample)
        return watch

    one, other = told(again=True).attribution, told(again=False).attribution
    assert one.applications() == other.applications()
    assert one.applications(watch=True) == other.applications(watch=True)


@pytest.mark.parametrize("from_counters", [False, True])
def test_what_is_put_off_at_first_is_found_as_if_it_had_not_been(from_counters: bool) -> None:
    """Also where the first poll has counters already, as for a report."""
    at_once, later = Watch(), Watch()
    assert at_once.findings is at_once.findings, "from here on it puts nothing off"
    put_off = 0
    stream = churn(40) if not from_counters else (one for one in shop() if not isinstance(one, Burst))
    for sample in stream:
        for watch in (at_once, later):
            watch.feed(sample)
        put_off += later._first is not None
        if isinstance(sample, Poll):
            assert at_once.wants() == later.wants()
            assert at_once.snapshot().findings == later.snapshot().findings
    assert at_once._first is later._first is None
    assert put_off > 3 or from_counters, "the looks behind the first poll as well"
    assert at_once.findings_of_watch() == later.findings_of_watch()
    for whole in (False, True):
        assert at_once.attribution.applications(watch=whole) == later.attribution.applications(watch=whole)


def test_one_sighting_before_anything_is_known_counts_once() -> None:
    idler = next(one for one in shop() if isinstance(one, Poll)).sessions[0]
    idler = idler._replace(state="idle in transaction", xact_start=1.0, query_start=1.0, state_change=1.0)
    first = Poll(1e6, 10.0, (idler,), statements=())
    at_once, later = Watch(), Watch()
    assert not at_once.findings.history()
    for watch in (at_once, later):
        watch.feed(first)
        watch.feed(Poll(1e6 + 1, 11.0, (), statements=()))
    assert at_once.findings_of_watch() == later.findings_of_watch() == ()


def test_what_is_put_off_does_not_pile_up_where_no_poll_succeeds() -> None:
    watch = Watch()
    for second in range(3600):
        watch.feed(Look(1e9 + second, float(second), ()))
        assert len(watch._first or ()) < 10


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("own", [False, True])
def test_groups_of_the_busy_are_those_of_all(by: str, own: bool) -> None:
    watch, seen = Watch(), 0
    for poll in steady(30):
        ours = poll.sessions[0]._replace(pid=1, application_name="pgscope", state="idle")
        watch.feed(replace(poll, sessions=(ours, *poll.sessions)))
        snapshot = watch.snapshot()
        assert snapshot.busy is not None
        seen += len(snapshot.sessions) - len(snapshot.busy)
        assert snapshot.groups(by, own=own) == replace(snapshot, busy=None).groups(by, own=own)
    assert seen > 100


def test_statements_of_sessions_are_counted_alike_whether_one_looks_at_all_or_at_what_changed() -> None:
    following, anew = LiveStatements(), LiveStatements()
    for poll in steady(60):
        following.feed(poll)
        anew.feed(replace(poll, sessions=tuple(one._replace() for one in poll.sessions)))
    assert following.statements == anew.statements
    assert sum(one.executions for one in following.statements) > 60
    assert sum(one.active for one in following.statements) > 0
    assert following._last == anew._last


def test_statements_that_were_not_asked_for_in_between_are_all_there() -> None:
    """A screen that shows none asks for none: who asks later sees what who asks always sees."""
    always, late = Watch(), Watch()
    for sample in [*churn(40)][:-1]:
        always.feed(sample)
        late.feed(sample)
        len(always.snapshot().statements)
    one, other = always.snapshot().statements, late.snapshot().statements
    assert [*one] == [*other]
    for key, row in one.items():
        assert replace(other[key], shares=row.shares) == row
    assert {row.key for row in one.working} == {row.key for row in other.working}


@pytest.mark.parametrize("all_first", [False, True])
def test_rows_of_those_that_work_are_those_among_all(all_first: bool) -> None:
    """Most screens ask for no others; who then opens one that shows all sees the same."""
    watch, seen = Watch(), 0
    before = watch.snapshot().statements
    for sample in churn(40):
        watch.feed(sample)
        statements = watch.snapshot().statements
        if statements is before:
            continue
        before = statements
        if all_first:
            len(statements)
        working = statements.working
        assert all_first or "rows" not in statements.__dict__
        assert all(statements[row.key] is row for row in working)
        assert {row.key for row in working} == {key for key, row in statements.items() if row.rates.calls}
        seen += len(working)
    assert seen > 40


def test_a_moment_that_is_held_is_one_moment() -> None:
    """On a slow line the screen may show an earlier one: asked for all, what works is told anew with them."""
    watch, moved = Watch(), 0
    held: Statements | None = None
    for sample in churn(40):
        watch.feed(sample)
        statements = watch.snapshot().statements
        if held is not None and statements is not held:
            told = held.working
            rows = dict(held)
            assert set(held.working) == {row for row in rows.values() if row.rates.calls}
            assert set(held.working) <= set(statements.working), "both are of now"
            moved += told != held.working
        held = statements
        _ = held.working
    assert moved > 10


def test_rows_of_statements_are_made_once_for_all_who_ask() -> None:
    asked = []

    def make() -> dict[StatementKey, StatementRow]:
        asked.append(1)
        return {}

    statements = Statements(make)
    assert not asked
    assert not statements.working
    assert not [*statements.items()]
    assert len(asked) == 1
