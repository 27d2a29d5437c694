"""Whose a statement is: of sessions that were seen while they started, and under roles taken by SET ROLE."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgscope.analysis.attribution import Attribution, Share
from pgscope.analysis.attribution.sheet import Sheet
from pgscope.analysis.counters import Counts, Interval
from pgscope.analysis.watch import Watch
from pgscope.sample import Look, Odometer, Poll, Session, Sighting, StatementKey
from pgscope.tui.rows.sessions import is_wanted
from pgscope.tui.stage import Status
from tests.streams import Stream, streaming

KEY = StatementKey(7, 3, 11, True)


def test_a_session_seen_while_it_started_is_counted_where_it_belongs() -> None:
    """Before 18 lets a session in, it shows with neither user, database nor name."""
    attribution = Attribution()
    starting = Sighting(50, 1e9, 0, 0, "", "starting", "", None, None, 1e9, None)
    attribution.feed(Look(1e9, 100.0, (starting,), ()))
    for number in range(1, 4):
        began = 1e9 + number
        seen = Sighting(50, 1e9, 3, 7, "export", "idle", "", 11, began, None, began)
        attribution.feed(Look(began, 100.0 + number, (seen,), ()))
        attribution.observe(Interval(began, 100.0 + number, 1.0, {KEY: Counts(calls=1)}))
    (share,) = attribution.shares(KEY)
    assert (share.application_name, share.share, share.attribution) == ("export", 1.0, "exact")


def seen_at(second: int, pid: int, name: str, query_id: int) -> Look:
    at = 1e9 + second
    return Look(at, float(second), (Sighting(pid, 1e9, 3, 7, name, "idle", "", query_id, at, None, at),), ())


def whose(attribution: Attribution, key: StatementKey) -> dict[str | None, str]:
    return {share.application_name: share.attribution for share in attribution.shares(key)}


def test_shares_rest_for_a_while_but_not_beyond_what_is_new() -> None:
    """They are of a minute: what goes on as it did is solved for every few seconds only."""
    attribution, other = Attribution(), KEY._replace(queryid=12)
    running: dict[StatementKey, Counts] = {KEY: Counts(calls=1)}
    made: list[Sheet] = []
    for second in range(1, 91):
        attribution.feed(seen_at(second, 50, "export", KEY.queryid))
        attribution.observe(Interval(1e9 + second, float(second), 1.0, running))
        assert whose(attribution, KEY) == {"export": "exact"}
        sheet = attribution._sheets[((7, 3), False)].sheet
        made += [sheet] if sheet not in made[-1:] else []
    assert 90 / 8 <= len(made) <= 45
    # Another application runs it too: nobody is told for a second longer that it is certain.
    attribution.feed(seen_at(91, 51, "import", KEY.queryid))
    attribution.observe(Interval(1e9 + 91, 91.0, 1.0, running))
    assert whose(attribution, KEY) == {"export": "sampled", "import": "sampled"}
    # A statement that was not there yet is somebody's at once.
    attribution.feed(seen_at(92, 51, "import", other.queryid))
    attribution.observe(Interval(1e9 + 92, 92.0, 1.0, {**running, other: Counts(calls=1)}))
    assert whose(attribution, other).keys() == {"import"}


def test_a_session_that_takes_turns_between_two_names_is_no_news() -> None:
    """As those of a pool do that rename themselves."""
    attribution = Attribution()
    for second in range(1, 60):
        attribution.feed(seen_at(second, 50, ("one", "other")[second % 2], KEY.queryid))
        attribution.observe(Interval(1e9 + second, float(second), 1.0, {KEY: Counts(calls=1)}))
    assert attribution._book.news[(7, 3)] <= 4


def test_that_sessions_come_and_go_unseen_is_news_once() -> None:
    """From then on nothing is certain."""
    attribution = Attribution()
    for second in range(1, 20):
        attribution.feed(seen_at(second, 50, "export", KEY.queryid))
        attribution.observe(Interval(1e9 + second, float(second), 1.0, {KEY: Counts(calls=1)}))
        assert whose(attribution, KEY) == {"export": "exact"}
    before = attribution._book.news[(7, 3)]
    for second in range(20, 25):
        attribution.feed(seen_at(second, 1000 + second, "export", KEY.queryid))
        attribution.feed(Look(1e9 + second + 0.2, second + 0.2, (), (), complete=True))
        attribution.observe(Interval(1e9 + second, second + 0.5, 1.0, {KEY: Counts(calls=1)}))
        assert "exact" not in whose(attribution, KEY).values()
    assert attribution._book.news[(7, 3)] == before + 1


def test_a_statement_that_begins_again_is_whose_it_was_seen_to_be() -> None:
    """Names known before bring no news: that the statement is in no sheet does."""
    attribution = Attribution(seconds=20.0)
    for second in range(1, 60):
        running = {KEY: Counts(calls=1)} if not 5 < second < 50 else {}
        if running:
            attribution.feed(seen_at(second, 50, "export", KEY.queryid))
        attribution.observe(Interval(1e9 + second, float(second), 1.0, running))
        if second in (5, 50):
            assert whose(attribution, KEY) == {"export": "exact"}


def test_what_nobody_asks_for_is_forgotten_all_the_same() -> None:
    """Sums of the window are cut when somebody asks, and now and then if nobody does."""
    attribution = Attribution(seconds=5.0)
    for second in range(1, 400):
        attribution.feed(seen_at(second, 1000 + second, "export", KEY.queryid))
        attribution.feed(Look(1e9 + second + 0.5, second + 0.5, (), (), complete=True))
        attribution.observe(Interval(1e9 + second, second + 0.6, 1.0, {KEY: Counts(calls=1)}))
        assert sum(map(len, attribution._book._gone.values())) <= 20


async def test_statements_under_set_role_belong_to_the_session(pg_database: str) -> None:
    """Counted for the role, by sessions that logged in as another user, as a web gateway does."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("create extension if not exists pg_stat_statements")
        roles = [sql.Identifier(f"t_{name}_{admin.info.backend_pid}") for name in ("anon", "member")]
        for role in roles:
            admin.execute(sql.SQL("create role {}").format(role))
        try:
            with psycopg.connect(pg_database, autocommit=True, application_name="gateway") as gateway:
                async with streaming(pg_database) as stream:
                    await _both_are_the_gateways(stream, gateway, roles)
        finally:
            for role in roles:
                admin.execute(sql.SQL("drop role {}").format(role))


async def _both_are_the_gateways(
    stream: Stream, gateway: psycopg.Connection, roles: list[sql.Identifier]
) -> None:
    def shares() -> list[tuple[Share, ...]]:
        for role in roles:
            gateway.execute(sql.SQL("set role {}").format(role))
            gateway.execute("select 1 as t_under_role")
        rows = [row for row in stream.snapshot.statements.values() if "t_under_role" in row.query]
        return [row.shares for row in rows if row.rates.calls]

    await stream.until(
        lambda: (
            len(found := shares()) == 2
            and all([share.application_name for share in one] == ["gateway"] for one in found)
        ),
        "both roles' statements as the gateway's",
    )
    for row in stream.snapshot.statements.values():
        if "t_under_role" in row.query:
            assert any("SET ROLE" in line for share in row.shares for line in share.basis)


@pytest.fixture
def two_logins(pg_database: str) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """Connections of two users that log in, of which the first may be the other; statements of functions
    are counted. The first can call `t_inside`, which the other owns and which runs as its owner."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        pid = admin.info.backend_pid
        first, other = (f"t_{name}_{pid}" for name in ("first", "other"))
        names = {"first": sql.Identifier(first), "other": sql.Identifier(other)}
        admin.execute("create extension if not exists pg_stat_statements")
        admin.execute(
            sql.SQL(
                "create role {other} login; create role {first} login in role {other};"
                " grant create on schema public to {other}"
            ).format(**names)
        )
        admin.execute(
            sql.SQL("alter database {} set pg_stat_statements.track = 'all'").format(
                sql.Identifier(admin.info.dbname)
            )
        )
        try:
            with (
                psycopg.connect(
                    make_conninfo(pg_database, user=first), autocommit=True, application_name="t-first"
                ) as one,
                psycopg.connect(
                    make_conninfo(pg_database, user=other), autocommit=True, application_name="t-other"
                ) as two,
            ):
                two.execute(
                    "create function t_inside() returns int language plpgsql security definer as"
                    " 'begin return (select count(*) as t_nested from (values (1)) as v (x)); end'"
                )
                yield one, two
        finally:
            for role in (first, other):
                admin.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
            for role in (first, other):
                admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


async def test_nothing_is_exact_where_sessions_of_another_user_run_it_too(
    pg_database: str, two_logins: tuple[psycopg.Connection, psycopg.Connection]
) -> None:
    """Both are counted for one role, which the one logged in as and the other took by SET ROLE."""
    first, other = two_logins
    first.execute(sql.SQL("set role {}").format(sql.Identifier(other.info.user)))
    async with streaming(pg_database) as stream:

        def shares() -> tuple[Share, ...]:
            for client in (first, other):
                for _ in range(5):
                    client.execute("select 1 as t_by_both")
            rows = [row for row in stream.snapshot.statements.values() if "t_by_both" in row.query]
            return rows[0].shares if rows and rows[0].rates.calls else ()

        def split() -> bool:
            found = {share.application_name: share for share in shares()}
            if set(found) != {"t-other", None}:
                return False
            assert found["t-other"].attribution != "exact"
            assert any("SET ROLE" in line for line in found[None].basis)
            return found["t-other"].low <= 0.5 <= found["t-other"].high

        await stream.until(split, "that it is not the one's alone")


async def test_inside_a_function_of_another_user_it_is_nobodys(
    pg_database: str, two_logins: tuple[psycopg.Connection, psycopg.Connection]
) -> None:
    """A function that runs as its owner: what it does is counted for that user, whoever calls it."""
    first, other = two_logins
    async with streaming(pg_database) as stream:

        def nested() -> tuple[Share, ...]:
            first.execute("select t_inside()")
            other.execute("select 2 as t_something")
            rows = [row for row in stream.snapshot.statements.values() if "t_nested" in row.query]
            nested = [row for row in rows if not row.key.toplevel]
            return nested[0].shares if nested and nested[0].rates.calls else ()

        await stream.until(nested, "the function's statement")
        assert [share.application_name for share in nested()] == [None]


def test_a_session_that_starts_takes_a_place_but_is_no_application() -> None:
    """As 18 shows it while the server waits for its password."""
    starting = Session(
        9, 5.0, 0, "", 0, "", "", "10.0.0.7", 999, "client backend", None, "starting", "Client", "ClientRead",
        None, None, None, None, None, None, "",
    )  # fmt: skip
    watch = Watch()
    watch.feed(Poll(1e9, 100.0, (starting,)))
    snapshot = watch.snapshot()
    assert (snapshot.totals.sessions, snapshot.totals.background) == (1, 0)
    assert snapshot.groups() == ()
    assert snapshot.findings == ()
    assert [one for one in snapshot.sessions if is_wanted(one, Status())] == [starting]


def test_buffers_of_who_has_parallel_workers_say_nothing() -> None:
    """What its workers visited is counted for the statement, and not for the session."""
    leads, alone = (
        Session(
            pid, 5.0, 3, "shop", 7, "app", name, "", None, "client backend", None, "active", "", "",
            1e9, 1e9, 1e9, None, None, 11, "select sum(n) from item",
        )
        for pid, name in ((50, "report"), (51, "api"))
    )  # fmt: skip
    worker = leads._replace(pid=60, backend_start=6.0, backend_type="parallel worker", leader_pid=50)
    attribution = Attribution()
    for second in range(90):
        at, mono = 1e9 + second, float(second)
        odometers = [Odometer(one.pid, 5.0, None, 1000 * second, mono) for one in (leads, alone)]
        there = (leads, alone, worker) if second == 5 else (leads, alone)
        attribution.feed(Poll(at, mono, tuple(one._replace(query_start=at) for one in there)))
        attribution.feed(Look(at, mono, (), tuple(odometers)))
        attribution.observe(Interval(at, mono, 1.0, {KEY: Counts(calls=2, shared_hit=3000)}))
        if second in (4, 10, 85):
            told = {
                one.application_name: any("buffers" in line for line in one.basis)
                for one in attribution.shares(KEY)
                if one.application_name is not None
            }
            assert told == {"report": second != 10, "api": True}, second
