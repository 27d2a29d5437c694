"""The slow poll on real servers: what it reads, and what it leaves alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql

from pgscope.embedded import EmbeddedServer
from pgscope.sample import Session
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.poll import Poller
from tests.servers import Servers


@asynccontextmanager
async def poller(conninfo: str) -> AsyncIterator[Poller]:
    connection = await connect(target(conninfo))
    try:
        yield Poller(connection, await learn(connection))
    finally:
        await connection.close()


def named(sessions: tuple[Session, ...], name: str) -> list[Session]:
    return [session for session in sessions if session.application_name == name]


async def test_sessions_are_read_with_names_states_and_texts(pg: EmbeddedServer) -> None:
    async with poller(pg.conninfo) as one:
        with psycopg.connect(pg.conninfo, application_name="t-sessions", autocommit=True) as client:
            client.execute("select 1 as marker")
            (session,) = named((await one.poll()).poll.sessions, "t-sessions")
            assert (session.database, session.user, session.state) == ("postgres", "postgres", "idle")
            assert session.query == "select 1 as marker"
            assert session.is_client
            assert session.query_id is not None
            client.execute("begin")
            (session,) = named((await one.poll()).poll.sessions, "t-sessions")
            assert session.state == "idle in transaction"
            assert session.xact_start is not None
        while named((await one.poll()).poll.sessions, "t-sessions"):
            await asyncio.sleep(0.01)


async def test_an_idle_session_stays_though_it_is_not_sent_again(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.server.sessions._LATE", 0.1)
    async with poller(pg.conninfo) as one:
        with psycopg.connect(pg.conninfo, application_name="t-idle", autocommit=True) as client:
            client.execute("select 2")
            while (before := named((await one.poll()).poll.sessions, "t-idle"))[0].wait_event != "ClientRead":
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # longer than a change counts as recent
            for _ in range(3):
                assert named((await one.poll()).poll.sessions, "t-idle") == before


async def test_counters_rise_and_texts_come_once(pg: EmbeddedServer) -> None:
    async with poller(pg.conninfo) as one:
        with psycopg.connect(pg.conninfo, autocommit=True) as client:
            await one.poll()
            assert one.reader is not None
            client.execute("select 'x' as t_counted, 1")
            poll = (await one.poll()).poll
            assert poll.statements is not None
            texts = await one.reader.texts(one._connection, one.reader.unseen())
            # By database too: a statement without tables has the same queryid in all of them.
            names = [name for name, text in texts.items() if "t_counted" in text]
            (entry,) = [row for row in poll.statements if (row.dbid, row.queryid) in names]
            assert entry.calls == 1
            assert not one.reader.unseen()
            for _ in range(4):
                client.execute("select 'x' as t_counted, 1")
            poll = (await one.poll()).poll
            assert poll.statements is not None
            (later,) = [row for row in poll.statements if row.key == entry.key]
            assert later.calls == 5
            assert (later.stats_since is not None) == (pg.version_num >= 170000)


async def test_pgscope_keeps_out_of_the_statistics_it_reads(pg: EmbeddedServer) -> None:
    async with poller(pg.conninfo) as one:
        await one.poll()
        assert one.reader is not None
        polled = await one.poll()
        texts = await one.reader.texts(one._connection, one.reader.unseen())
        assert polled.poll.statements
        as_superuser = {row.key.queryid for row in polled.poll.statements if row.userid == 10}
        seen = [text for (_, queryid), text in texts.items() if queryid in as_superuser]
        assert seen
        assert not [text for text in seen if "pg_stat_get_activity(" in text]


async def test_a_session_in_another_encoding_does_not_break_the_poll(pg: EmbeddedServer) -> None:
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("drop database if exists t_latin")
        admin.execute("create database t_latin encoding 'LATIN1' locale 'C' template template0")
    latin = pg.conninfo_for(dbname="t_latin")
    async with poller(pg.conninfo) as one:
        with psycopg.connect(latin, application_name="t-latin", client_encoding="UTF8") as client:
            client.execute("select 'café'")
            (session,) = named((await one.poll()).poll.sessions, "t-latin")
            assert session.query == "select 'café'"
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("drop database t_latin with (force)")


async def test_a_role_without_privileges_gets_what_it_may_see(pg: EmbeddedServer) -> None:
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("drop role if exists t_plain")
        admin.execute("create role t_plain login")
        async with poller(pg.conninfo_for(user="t_plain")) as one:
            polled = await one.poll()
            assert polled.poll.sessions
            assert polled.failures == {}
            facts = one._facts
            assert not facts.reads_all_stats
            assert "GRANT pg_monitor TO t_plain" in [missing.remedy for missing in facts.missing]
            others = [session for session in polled.poll.sessions if session.user == "postgres"]
            assert {session.query for session in others} <= {"<insufficient privilege>", ""}
        admin.execute("drop role t_plain")


async def test_an_extension_in_another_schema_or_absent_is_told(pg: EmbeddedServer) -> None:
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        for name in ("t_schema", "t_none"):
            admin.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(name)))
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    with psycopg.connect(pg.conninfo_for(dbname="t_schema"), autocommit=True) as client:
        client.execute("drop extension if exists pg_stat_statements")
        client.execute('create schema "Odd schema"')
        client.execute('create extension pg_stat_statements schema "Odd schema"')
    with psycopg.connect(pg.conninfo_for(dbname="t_none"), autocommit=True) as client:
        client.execute("drop extension if exists pg_stat_statements")
    async with poller(pg.conninfo_for(dbname="t_schema")) as one:
        assert (await one.poll()).poll.statements
    async with poller(pg.conninfo_for(dbname="t_none")) as one:
        assert (await one.poll()).poll.statements is None
        (missing,) = one._facts.missing
        assert "CREATE EXTENSION pg_stat_statements" in missing.remedy
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        for name in ("t_schema", "t_none"):
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


async def test_waiting_for_the_statistics_collector_is_no_cost(servers: Servers) -> None:
    """14 makes who reads pg_stat_database wait in steps of 10 ms, in which the backend does nothing.

    Nor is it a round trip, of which findings say what a client waits for each.
    """
    server = servers.server(14)
    async with poller(server.conninfo) as it:
        with psycopg.connect(server.conninfo, autocommit=True) as client:
            await it.poll()
            for _ in range(60):
                client.execute("select 1")
                started = time.monotonic()
                polled = await it.poll()
                took_ms = (time.monotonic() - started) * 1000.0
                if polled.server_ms + polled.poll.round_trip_ms < took_ms - 9.0:
                    return
                await asyncio.sleep(0.5)
    raise AssertionError("no poll waited, or its wait was counted")
