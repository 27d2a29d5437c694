"""The server changes under pgscope's feet: told in a line, gone on with, and never a false spike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgscope.embedded import EmbeddedServer
from pgscope.sample import Connected, Look, Poll
from tests.conftest import FreshServer
from tests.streams import Stream, streaming


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries again at once, and not after seconds."""
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)


def notices(stream: Stream) -> str:
    return "\n".join(stream.snapshot.notices)


def counts(stream: Stream) -> bool:
    """Whether the counters of statements are read."""
    last = next((s for s in reversed(stream.samples) if isinstance(s, Poll)), None)
    return last is not None and last.statements is not None


async def test_extension_dropped_and_made_again(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as admin:
        async with streaming(pg_database) as stream:
            await stream.until(lambda: counts(stream), "counters")
            admin.execute("drop extension pg_stat_statements")
            await stream.until(lambda: "CREATE EXTENSION pg_stat_statements" in notices(stream), "the notice")
            await stream.more(Poll, 3)
            assert stream.snapshot.link.connected
            assert not counts(stream)


async def test_extension_made_and_upgraded_while_it_runs(
    pg_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed is found again within a minute, here at once: none, one too old, and each since."""
    monkeypatch.setattr("pgscope.capture.live._LEARN_EVERY", 0.2)
    with psycopg.connect(pg_database, autocommit=True) as admin:
        known = admin.execute(
            "select version from pg_available_extension_versions where name = 'pg_stat_statements'"
        ).fetchall()
        versions = sorted(number for (text,) in known if (number := int(text.removeprefix("1."))) >= 9)
        assert versions[0] == 9
        admin.execute("drop extension pg_stat_statements")
        async with streaming(pg_database) as stream:
            await stream.until(lambda: "CREATE EXTENSION pg_stat_statements" in notices(stream), "the notice")
            assert not counts(stream)
            admin.execute("create extension pg_stat_statements version '1.8'")
            await stream.until(lambda: "1.8 is older than 1.9" in notices(stream), "that it is too old")
            assert "ALTER EXTENSION pg_stat_statements UPDATE" in notices(stream)
            assert not counts(stream)
            for version in versions:
                await upgraded(stream, admin, version)
        if 11 not in versions:
            return
        # Where columns were renamed it is noticed by itself.
        monkeypatch.setattr("pgscope.capture.live._LEARN_EVERY", 3600.0)
        admin.execute("drop extension pg_stat_statements")
        admin.execute("create extension pg_stat_statements version '1.10'")
        async with streaming(pg_database) as stream:
            await stream.until(lambda: counts(stream), "counters of 1.10")
            await upgraded(stream, admin, versions[-1])


async def upgraded(stream: Stream, admin: psycopg.Connection, version: int) -> None:
    """Bring the extension to 1.`version`, and wait until it is known and read."""
    admin.execute(f"alter extension pg_stat_statements update to '1.{version}'".encode())
    await stream.until(
        lambda: stream.snapshot.facts and stream.snapshot.facts.statements_version == (1, version),
        f"version 1.{version}",
    )
    await stream.until(lambda: counts(stream), f"counters of 1.{version}")
    assert stream.snapshot.notices == ()
    assert stream.snapshot.link.connected


@pytest.fixture
def watcher(pg_database: str) -> Iterator[str]:
    """A role that may see everything, until that is taken from it."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("create role t_watcher login in role pg_monitor")
        try:
            yield make_conninfo(pg_database, user="t_watcher")
        finally:
            admin.execute("drop owned by t_watcher")
            admin.execute("drop role t_watcher")


async def test_rights_revoked(pg_database: str, watcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.capture.live._LEARN_EVERY", 1.0)
    with psycopg.connect(pg_database, autocommit=True) as admin:
        async with streaming(watcher) as stream:
            await stream.until(lambda: counts(stream), "counters")
            assert stream.snapshot.notices == ()
            admin.execute("revoke execute on function pg_stat_statements(boolean) from public")
            await stream.until(lambda: "pg_stat_statements cannot be read" in notices(stream), "the refusal")
            assert "permission denied" in notices(stream)
            assert "grant t_watcher" in notices(stream)
            await stream.more(Poll, 3)
            assert stream.snapshot.link.connected
            admin.execute("revoke pg_monitor from t_watcher")
            await stream.until(lambda: "GRANT pg_monitor TO t_watcher" in notices(stream), "the right")
            await stream.more(Poll, 2)
            assert stream.snapshot.link.connected


async def test_sessions_closed_to_the_role(pg_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A managed server that takes even the function behind pg_stat_activity away says so on the screen."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("set pg_stat_statements.track = 'none'")  # other tests read what is counted here
        admin.execute("create role t_closed login in role pg_monitor")
        function = "pg_catalog.pg_stat_get_activity(integer)"
        try:
            async with streaming(make_conninfo(pg_database, user="t_closed")) as stream:
                await stream.more(Poll, 3)
                admin.execute(f"revoke execute on function {function} from public")
                await stream.until(lambda: not stream.snapshot.link.connected, "that it is told")
                assert "cannot read the sessions" in stream.snapshot.link.reason
                assert "pg_stat_get_activity" in stream.snapshot.link.reason
                admin.execute(f"grant execute on function {function} to public")
                await stream.until(lambda: stream.snapshot.link.connected, "that it is well")
                await stream.more(Poll, 3)
        finally:
            admin.execute(f"grant execute on function {function} to public")
            admin.execute("drop role t_closed")


async def test_its_own_statements_cancelled(pg: EmbeddedServer) -> None:
    """By somebody's cron job that cancels what it does not know: nothing is lost, nothing stays open."""
    async with streaming(pg.conninfo) as stream:
        await stream.more(Poll, 3)
        own = stream.snapshot.facts.own_pids if stream.snapshot.facts else None
        with psycopg.connect(pg.conninfo, autocommit=True) as admin:
            for _ in range(100):
                admin.execute(
                    "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'pgscope'"
                )
                await asyncio.sleep(0.005)
        await stream.more(Poll, 5)
        await stream.more(Look, 5)
        assert stream.snapshot.link.connected
        assert stream.snapshot.facts is not None
        assert stream.snapshot.facts.own_pids == own, "the same connection"
        assert stream.snapshot.notices == ()


async def test_other_databases_closed_to_the_role(pg_database: str, pg: EmbeddedServer) -> None:
    """A wait there is shown, only its table has no name; the rest goes on."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        database = admin.info.dbname
        admin.execute("create role t_outsider login in role pg_monitor")
        admin.execute(f'revoke connect on database "{database}" from public'.encode())
        admin.execute("create table closed_orders (id int)")
        try:
            async with streaming(pg.conninfo_for(user="t_outsider")) as stream:
                with (
                    psycopg.connect(pg_database) as holder,
                    psycopg.connect(pg_database, autocommit=True) as waiter,
                ):
                    holder.execute("lock table closed_orders")
                    waiter.pgconn.send_query(b"select from closed_orders")
                    await stream.until(lambda: stream.snapshot.locks, "the wait")
                    await stream.more(Poll, 5)
                    (wait,) = stream.snapshot.locks.nodes[waiter.info.backend_pid].waits
                    assert wait.lock.relation_name == ""
                    assert wait.hard == (holder.info.backend_pid,)
                    assert stream.snapshot.link.connected
                    holder.rollback()
                    while waiter.pgconn.get_result() is not None:
                        pass
        finally:
            admin.execute("drop role t_outsider")


async def test_database_dropped(pg: EmbeddedServer) -> None:
    """Its connections are ended, and new ones refused; it comes back with the database."""
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("drop database if exists t_dropped")
        admin.execute("create database t_dropped")
        async with streaming(pg.conninfo_for("t_dropped")) as stream:
            await stream.more(Poll, 3)
            admin.execute("drop database t_dropped with (force)")
            await stream.until(
                lambda: 'database "t_dropped" does not exist' in stream.snapshot.link.reason, "the reason"
            )
            assert not stream.snapshot.link.connected
            admin.execute("create database t_dropped")
            await stream.more(Connected)
            await stream.more(Poll, 3)
        admin.execute("drop database t_dropped with (force)")


async def test_too_many_connections(fresh_pg: FreshServer, pg_major: int) -> None:
    server = fresh_pg(pg_major, {"max_connections": "8", "superuser_reserved_connections": "0"})
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        async with streaming(server.conninfo) as stream:
            await stream.more(Look, 3)
            crowd = []
            with pytest.raises(psycopg.OperationalError):
                while True:
                    crowd.append(psycopg.connect(server.conninfo, autocommit=True))
            await stream.more(Poll, 3)
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgscope'"
            )
            # Somebody else is faster to take what pgscope gave up.
            with pytest.raises(psycopg.OperationalError):
                for _ in range(50):
                    crowd.append(psycopg.connect(server.conninfo, autocommit=True))
            await stream.until(lambda: "too many" in stream.snapshot.link.reason, "the reason")
            assert "free a connection" in stream.snapshot.link.reason
            for one in crowd:
                one.close()
            await stream.more(Connected)
            await stream.more(Poll, 3)
            await stream.more(Look, 3)


async def test_failover_to_another_host(fresh_pg: FreshServer, pg_major: int) -> None:
    """A conninfo with two hosts: the second is gone to when the first is gone, with counters of its own."""
    first, second = fresh_pg(pg_major), fresh_pg(pg_major)
    with psycopg.connect(second.conninfo, autocommit=True) as client:
        for _ in range(2000):
            client.execute("select 1 as t_failover")
    hosts = f"{first.socket_dir},{second.socket_dir}"
    async with streaming(make_conninfo(host=hosts, port=first.port, user="postgres")) as stream:
        await stream.more(Poll, 3)
        assert stream.snapshot.facts is not None
        assert stream.snapshot.facts.host == str(first.socket_dir)
        await asyncio.to_thread(first.shut_down, "immediate")
        await stream.more(Connected)
        assert stream.snapshot.facts.host == str(second.socket_dir)
        for _ in range(5):
            await stream.more(Poll)
            assert max((r.rates.calls for r in stream.snapshot.statements.values()), default=0) < 1000
