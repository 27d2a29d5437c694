"""pg_stat_monitor's view, in the shape that its manual gives, for the extension itself is in no registry."""

from __future__ import annotations

import psycopg
import pytest

from pgscope.analysis.attribution import Attribution
from pgscope.analysis.counters import Counts, Interval
from pgscope.sample import ApplicationCalls, Monitored, StatementKey
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.stat_monitor import StatMonitorReader
from tests.streams import streaming

VIEW = """
create schema "Monitoring here";
create table "Monitoring here".pg_stat_monitor (
    bucket int8, bucket_start_time timestamptz, userid oid, username text, dbid oid, datname text,
    client_ip inet, pgsm_query_id int8, queryid int8, toplevel bool, top_queryid int8, query text,
    comments text, planid int8, query_plan text, top_query text, application_name text, calls int8
);
insert into "Monitoring here".pg_stat_monitor
    (bucket, bucket_start_time, userid, dbid, queryid, toplevel, application_name, calls)
values (1, '2026-01-01 00:00+00', 10, 5, 77, true, 'shop', 30),
       (1, '2026-01-01 00:00+00', 10, 5, 77, true, 'api', 10),
       (2, '2026-01-01 00:01+00', 10, 5, 77, true, 'api', 20),
       (2, '2026-01-01 00:01+00', 10, 5, null, true, 'api', 99);
"""
START = 1767225600.0
KEY = StatementKey(10, 5, 77, True)


async def test_reads_calls_by_application(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as client:
        client.execute(VIEW)
    connection = await connect(target(pg_database))
    try:
        assert await StatMonitorReader.find(connection, lambda _: "utf-8") is None
        reader = StatMonitorReader("Monitoring here", lambda _: "utf-8")
        read = await reader.read(connection, START + 90.0, 5.0)
        assert read is not None
        assert sorted(read.rows) == [
            ApplicationCalls(START, 10, 5, 77, True, "api", 10),
            ApplicationCalls(START, 10, 5, 77, True, "shop", 30),
            ApplicationCalls(START + 60.0, 10, 5, 77, True, "api", 20),
        ]
        attribution = Attribution()
        attribution.feed(read)
        shares = attribution.shares(KEY)
        assert [(one.application_name, one.share, one.attribution) for one in shares] == [
            ("api", 0.5, "exact"),
            ("shop", 0.5, "exact"),
        ]
    finally:
        await connection.close()


def test_a_bucket_read_twice_counts_once() -> None:
    attribution = Attribution()
    for calls in (5, 30):
        rows = (
            ApplicationCalls(START, *KEY, "shop", calls),
            ApplicationCalls(START, *KEY, "api", 10),
        )
        attribution.feed(Monitored(START + calls, 1.0, rows))
    attribution.feed(Monitored(START + 5000.0, 2.0, (ApplicationCalls(START + 4990.0, *KEY, "api", 40),)))
    attribution.observe(Interval(START + 5000.0, 2.0, 1.0, {KEY: Counts(calls=8)}))
    assert [(one.application_name, one.share) for one in attribution.shares(KEY)] == [("api", 1.0)]
    whole = {one.application_name: one.share for one in attribution.shares(KEY, watch=True)}
    assert whole == {"api": pytest.approx(50 / 80), "shop": pytest.approx(30 / 80)}


async def test_what_it_counts_is_exact_on_the_screen(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True, application_name="t-shop") as client:
        client.execute("create schema watched")
        columns = VIEW.partition("create table ")[2].partition(".")[2].partition(";")[0]
        client.execute(f"create table watched.{columns}".encode())
        # As CREATE EXTENSION notes it; that command itself wants files among the server's programs.
        client.execute(
            "insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
            " values (1, 'pg_stat_monitor', 'postgres'::regrole, 'watched'::regnamespace, true, '2.1')"
        )
        client.execute("select 1 as t_monitored")
        client.execute(
            "insert into watched.pg_stat_monitor"
            " (bucket, bucket_start_time, userid, dbid, queryid, toplevel, application_name, calls)"
            " select 1, now(), userid, dbid, queryid, true, name, times"
            " from pg_stat_statements(true), (values ('t-shop', 30), ('t-api', 10)) v (name, times)"
            " where query like 'select $1 as t_monitored'"
        )
        async with streaming(pg_database) as stream:

            def shares() -> list[tuple[str | None, float, str]]:
                client.execute("select 1 as t_monitored")
                rows = [row for row in stream.snapshot.statements.values() if "t_monitored" in row.query]
                parts = [share for row in rows if row.rates.calls for share in row.shares]
                return [(one.application_name, one.share, one.attribution) for one in parts]

            wanted = [("t-shop", 0.75, "exact"), ("t-api", 0.25, "exact")]
            await stream.until(lambda: shares() == wanted, "the extension's own parts")
            assert stream.count(Monitored) == 1
