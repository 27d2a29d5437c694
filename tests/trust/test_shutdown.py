"""pgscope holds up no shutdown of a server that it watches, however it is shut down."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psycopg
import pytest

from pgscope.capture import leaving
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Connected, Look, Poll
from pgscope.server import knock as door
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.knock import Door, knock
from tests.conftest import FreshServer
from tests.streams import streaming

PATIENCE = 60.0


def ask_to_end(server: EmbeddedServer, number: signal.Signals) -> None:
    """As `pg_ctl stop` and Kubernetes do; waits for nothing."""
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), number)


async def ended(server: EmbeddedServer) -> None:
    """Wait until the server has ended by itself."""
    deadline = time.monotonic() + PATIENCE
    while (server.data / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "it waits for a session"
        await asyncio.sleep(0.02)


async def test_a_fast_shutdown_is_not_delayed(fresh_pg: FreshServer, pg_major: int) -> None:
    """Fast, as with no client at all, while pgscope polls and samples."""
    server = fresh_pg(pg_major)
    async with streaming(server.conninfo) as stream:
        await stream.more(Look, 5)
        await stream.more(Poll, 5)
        started = time.monotonic()
        await asyncio.to_thread(server.shut_down, "fast")
        watched = time.monotonic() - started
        await stream.until(lambda: not stream.snapshot.link.connected, "the loss")
    await asyncio.to_thread(server.start_again)
    started = time.monotonic()
    await asyncio.to_thread(server.shut_down, "fast")
    assert watched < time.monotonic() - started + 3.0


async def test_a_smart_shutdown_does_not_wait_for_pgscope(
    fresh_pg: FreshServer, pg_major: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server waits for its sessions: pgscope's own go, that of another may stay; later it comes back."""
    for name in ("_FIRST", "_EVERY", "_AGAIN"):
        monkeypatch.setattr(leaving, name, 0.3)
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)
    server = fresh_pg(pg_major)
    async with streaming(server.conninfo) as stream:
        with psycopg.connect(server.conninfo, autocommit=True, application_name="t-stays") as other:
            await stream.more(Look, 5)
            await stream.until(lambda: stream.snapshot.sessions, "sessions")
            ask_to_end(server, signal.SIGTERM)
            await stream.until(lambda: "is being shut down" in stream.snapshot.link.reason, "that it leaves")
            assert any(one.application_name == "t-stays" for one in stream.snapshot.sessions)
            own = "select count(*) from pg_stat_activity where application_name = 'pgscope'"
            await stream.until(lambda: other.execute(own).fetchall() == [(0,)], "that it has left")
            await stream.until(lambda: "shutting down" in stream.snapshot.link.reason, "the server's word")
        await ended(server)
        await asyncio.to_thread(server.shut_down)
        await asyncio.to_thread(server.start_again)
        await stream.more(Connected)
        await stream.more(Poll, 3)
        assert stream.snapshot.link.connected


async def test_a_knock_tells_a_shutdown_from_other_refusals(fresh_pg: FreshServer, pg_major: int) -> None:
    """By the code too, since the server may say it in any language."""
    server = fresh_pg(pg_major, {"max_connections": "8", "superuser_reserved_connections": "0"})
    connection = await connect(target(server.conninfo))
    crowd = []
    started = (await learn(connection)).started
    assert await knock(connection, target(server.conninfo), started) is Door.OPEN
    assert await knock(connection, target(server.conninfo), started - 1.0) is Door.ANOTHER
    with pytest.raises(psycopg.OperationalError):
        while True:
            crowd.append(psycopg.connect(server.conninfo, autocommit=True))
    assert await knock(connection, target(server.conninfo), started) is Door.REFUSED
    for one in crowd:
        one.close()
    ask_to_end(server, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while await door._refusal(connection) != "57P03":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert await knock(connection, target(server.conninfo), started) is Door.CLOSING
    await connection.close()
    await ended(server)
