"""A role that may log in and nothing else: what it cannot see is called hidden, its own is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgscope.report.document import document
from pgscope.report.numbers import UNKNOWN, seen
from pgscope.report.plain import plain as plain_text
from pgscope.sample import OWN_MARK, Poll
from pgscope.tui.glyphs import UNICODE
from pgscope.tui.rows import applications
from tests.streams import streaming


@pytest.fixture
def plain(pg_database: str) -> Iterator[str]:
    """The conninfo of such a role."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("create table t_plain (id int)")
        admin.execute("create role plain login")
        try:
            yield make_conninfo(pg_database, user="plain")
        finally:
            admin.execute("drop role plain")


async def test_hidden_is_not_nothing(plain: str, pg_database: str) -> None:
    """Counts that it cannot know are unknown; the waits are known from pg_locks."""
    with ExitStack() as stack:
        holder, *waiters = (
            stack.enter_context(psycopg.connect(pg_database, autocommit=True, application_name="t-waits"))
            for _ in range(4)
        )
        holder.execute("begin")
        holder.execute("lock table t_plain")
        for waiter in waiters:
            waiter.pgconn.send_query(b"insert into t_plain values (1)")
        async with streaming(plain) as stream:
            await stream.until(lambda: stream.snapshot.totals.waiting == 3, "three that wait")
            totals = stream.snapshot.totals
            assert totals.hidden >= 4
            assert seen(totals.active, totals.hidden) == UNKNOWN
            assert seen(totals.idle_in_transaction, totals.hidden) == UNKNOWN
            groups = stream.snapshot.groups()
            (row,) = applications.rows(
                [one for one in groups if one.name == "t-waits"], {}, "application", UNICODE
            )
            assert callable(row.cells)
            shown = [cell if isinstance(cell, str) else cell.text for cell in row.cells()]
            assert shown[2] == shown[5] == UNKNOWN
            assert shown[4].endswith("3")
            rows = {one["application_name"]: one for one in document(stream.watch)["applications"]}
            assert rows["t-waits"]["active"] is None
            assert rows["t-waits"]["idle_in_transaction"] is None
            assert rows["t-waits"]["waiting"] == 3
        holder.execute("rollback")
        for waiter in waiters:
            while waiter.pgconn.get_result() is not None:
                pass


async def test_what_it_costs_is_its_own_in_the_report(plain: str, pg_database: str) -> None:
    """Counters of applications add up to the totals; what pgscope ran is in them, and nobody else's."""
    with psycopg.connect(pg_database, autocommit=True, application_name="t-works") as client:
        async with streaming(plain) as stream:

            def ran() -> bool:
                client.execute("select count(*) as t_works from pg_class")
                return any(one["own"] and one["calls"] for one in document(stream.watch)["statements"])

            await stream.until(ran, "its own statements among those of the server")
            content = document(stream.watch)
    applications = content["applications"]
    for counter in ("calls", "rows", "exec_time_ms", "shared_blks_hit"):
        parts = [one[counter] for one in applications]
        assert sum(parts) == pytest.approx(content["totals"][counter], abs=0.001 * len(parts))
    own = [one for one in content["statements"] if one["own"]]
    assert all([share["application_name"] for share in one["applications"]] == ["pgscope"] for one in own)
    (costs,) = [one for one in applications if one["own"]]
    assert costs["application_name"] == "pgscope"
    assert costs["calls"] >= sum(one["calls"] for one in own)
    (row,) = [line for line in plain_text(content).splitlines() if re.match(r" *pgscope  ", line)]
    assert row.split()[1:5] == ["-"] * 4


async def test_it_knows_its_own_statements(plain: str, pg_database: str) -> None:
    """They are in pg_stat_statements, for it may not keep them out; no finding and no list is about them."""
    async with streaming(plain) as stream:
        await stream.until(
            lambda: any(
                OWN_MARK in row.query and row.rates.calls for row in stream.snapshot.statements.values()
            ),
            "its own statements among those of the server",
        )
        await stream.more(Poll, 40)
        rows = stream.snapshot.statements.values()
        mine = [row for row in rows if row.rates.exec_time and row.user == "plain"]
        assert mine
        unmarked = [row.query for row in mine if not row.own and row.query]
        assert not unmarked
        assert not [one for one in stream.snapshot.findings if one.kind == "slow_statement"]
        assert not [one for one in stream.watch.findings_of_watch() if one.kind == "slow_statement"]
        assert all(one["own"] == (OWN_MARK in one["query"]) for one in document(stream.watch)["statements"])
