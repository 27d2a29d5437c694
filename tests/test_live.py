"""The live stream: it outlives the server, starts its counters over, and leaves nothing open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from pgscope.analysis.watch import Watch
from pgscope.capture.live import LiveSource
from pgscope.capture.lost import backoff
from pgscope.driver import Driver
from pgscope.embedded import EmbeddedServer
from pgscope.ending import end
from pgscope.sample import Connected, Disconnected, Look, OwnCost, Poll, Sample
from pgscope.server.conninfo import target
from tests.conftest import FreshServer

_PATIENCE = 60.0


class Stream:
    """A running source whose samples are kept."""

    def __init__(self, conninfo: str) -> None:
        self.samples: list[Sample] = []
        self.source = LiveSource(target(conninfo), interval=0.1, budget=1.0)
        self.watch = Watch()
        self.driver = Driver(self.source, self.watch)

    async def run(self) -> None:
        def take(sample: Sample) -> None:
            self.samples.append(sample)
            self.watch.feed(sample)

        await self.source.run(take)

    def count(self, kind: type[object]) -> int:
        return sum(isinstance(sample, kind) for sample in self.samples)

    async def more(self, kind: type[object], number: int = 1) -> None:
        """Wait for so many more samples of a kind."""
        await self.reaches(kind, self.count(kind) + number)

    async def reaches(self, kind: type[object], number: int) -> None:
        """Wait until there were so many samples of a kind in all."""
        await self.until(lambda: self.count(kind) >= number)

    async def until(self, true: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not true():
                await asyncio.sleep(0.02)

        await asyncio.wait_for(wait(), _PATIENCE)


@asynccontextmanager
async def streaming(conninfo: str) -> AsyncIterator[Stream]:
    stream = Stream(conninfo)
    task = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        await end(task)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries again at once, and not after seconds."""
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)


@pytest.mark.usefixtures("impatient")
async def test_a_restart_is_told_and_makes_no_spike(fresh_pg: FreshServer, pg_major: int) -> None:
    server = fresh_pg(pg_major)
    with psycopg.connect(server.conninfo, autocommit=True) as client:
        for _ in range(2000):
            client.execute("select 1 as t_before")
    async with streaming(server.conninfo) as stream:
        await stream.more(Poll, 5)
        for mode in ("fast", "immediate"):
            lost, made = stream.count(Disconnected), stream.count(Connected)
            await asyncio.to_thread(server.shut_down, mode)
            await stream.reaches(Disconnected, lost + 1)
            assert not stream.watch.snapshot().link.connected
            assert stream.watch.snapshot().link.reason
            assert "\n" not in stream.watch.snapshot().link.reason
            await asyncio.to_thread(server.start_again)
            await stream.reaches(Connected, made + 1)
            await stream.more(Poll, 5)
            assert stream.watch.snapshot().link.connected
            assert all(min(counts) >= 0 for counts in stream.watch.window.values())
            calls = [row.rates.calls for row in stream.watch.snapshot().statements.values()]
            assert max(calls, default=0) < 1000


@pytest.mark.usefixtures("impatient")
async def test_its_own_backends_terminated_it_comes_back(pg: EmbeddedServer) -> None:
    async with streaming(pg.conninfo) as stream:
        await stream.more(Poll, 3)
        await stream.more(Look, 3)
        with psycopg.connect(pg.conninfo, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgscope'"
            )
        await stream.more(Connected)
        await stream.more(Poll, 3)
        await stream.more(Look, 3)


async def test_it_holds_no_transaction_and_leaves_no_connection(pg: EmbeddedServer) -> None:
    async with streaming(pg.conninfo) as stream:
        await stream.more(Look, 5)
        await stream.more(Poll, 5)
        with psycopg.connect(pg.conninfo, autocommit=True) as admin:
            own = "select state, xact_start from pg_stat_activity where application_name = 'pgscope'"
            rows = admin.execute(own).fetchall()
            assert len(rows) == 2
            for _ in range(50):
                states = {state for state, _ in admin.execute(own).fetchall()}
                assert not any("transaction" in (state or "") for state in states)
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:

        async def gone() -> None:
            while admin.execute(own).fetchall():
                await asyncio.sleep(0.05)

        await asyncio.wait_for(gone(), _PATIENCE)


async def test_it_measures_its_own_cost(pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.capture.live._COST_EVERY", 1.5)
    async with streaming(pg.conninfo) as stream:
        await stream.more(OwnCost)
        cost = next(sample for sample in stream.samples if isinstance(sample, OwnCost))
        assert cost.server_ms > 0
        assert cost.statements > 10
        assert cost.seconds >= 1.5


def test_attempts_go_on_for_ever_and_are_never_far_apart() -> None:
    """A server that stays away for a week is still tried, every ten seconds or so."""
    waits = [backoff(attempt) for attempt in range(100_000)]
    assert waits[0] < 1.0
    assert max(waits) < 15.0
    assert min(waits[10:]) > 5.0


async def test_a_renamed_role_or_database_is_noticed(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.server.names._KEPT", 0.3)
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("create role t_before login")
        admin.execute("create database t_before")
        try:
            with psycopg.connect(pg.conninfo_for("t_before"), autocommit=True) as client:
                client.execute("select 1 as t_renamed, 2, 3, 4")
            with psycopg.connect(pg.conninfo_for(user="t_before"), application_name="t-renamed") as idle:
                idle.execute("select 1")
                idle.rollback()
                async with streaming(pg.conninfo) as stream:

                    def named() -> tuple[set[str], set[str]]:
                        shown = stream.watch.snapshot()
                        sessions = {one.user for one in shown.sessions if one.application_name == "t-renamed"}
                        rows = {row.database for row in shown.statements.values() if "t_renamed" in row.query}
                        return sessions, rows

                    await stream.until(lambda: named() == ({"t_before"}, {"t_before"}))
                    admin.execute("alter role t_before rename to t_after")
                    admin.execute("alter database t_before rename to t_after")
                    await stream.until(lambda: named() == ({"t_after"}, {"t_after"}))
        finally:
            for name in ("t_before", "t_after"):
                admin.execute(f"drop database if exists {name}".encode())
                admin.execute(f"drop role if exists {name}".encode())
