"""The fast sampler against real servers: who ran what, and how much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest

from pgscope.embedded import EmbeddedServer
from pgscope.sample import Look, Odometer, Sighting
from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.names import NameBook
from pgscope.server.poll import Poller
from pgscope.server.sampler import Sampler

SamplerFor = Callable[[str], Awaitable[Sampler]]


@pytest.fixture
async def sampler_for() -> AsyncIterator[SamplerFor]:
    """Makes samplers with connections of their own."""
    opened: list[Connection] = []

    async def make(conninfo: str) -> Sampler:
        connection = await connect(target(conninfo))
        opened.append(connection)
        names = NameBook()
        await names.read(connection)
        return Sampler(connection, await learn(connection), names.codec)

    yield make
    for connection in opened:
        await connection.close()


async def look_until(sampler: Sampler, wanted: Callable[[Look], bool], timeout: float = 30.0) -> Look:
    """Looks until one shows what is wanted."""

    async def looking() -> Look:
        while not wanted(look := await sampler.look()):
            await asyncio.sleep(0.02)
        return look

    return await asyncio.wait_for(looking(), timeout)


def of(look: Look, pid: int) -> Sighting | None:
    return next((sighting for sighting in look.sightings if sighting.pid == pid), None)


def odometer(look: Look, pid: int) -> Odometer | None:
    return next((one for one in look.odometers if one.pid == pid), None)


def buffers_of(look: Look, pid: int) -> Odometer | None:
    return next((one for one in look.odometers if one.pid == pid and one.buffers is not None), None)


async def test_sightings(sampler_for: SamplerFor, pg_database: str) -> None:
    sampler = await sampler_for(pg_database)
    with psycopg.connect(pg_database, autocommit=True, application_name="shop") as client:
        pid = client.info.backend_pid
        client.execute("select 1 as one")
        first = await sampler.look()
        assert first.complete
        seen = of(first, pid)
        assert seen is not None
        assert seen.application_name == "shop"
        assert seen.state == "idle"
        assert seen.query_id
        assert seen.query_start and seen.state_change and seen.query_start <= seen.state_change
        assert first.at >= seen.state_change
        # Nothing happened: nothing is sent again.
        assert of(await sampler.look(), pid) is None
        client.execute("begin")
        client.execute("select 2 as two, 3 as three")
        again = await look_until(sampler, lambda look: of(look, pid) is not None)
        now = of(again, pid)
        assert now is not None
        assert now.state == "idle in transaction"
        assert now.query_id not in (None, seen.query_id)
        assert now.xact_start is not None
        assert (now.pid, now.backend_start) == (seen.pid, seen.backend_start)


async def test_what_a_poll_showed_is_not_told_again(
    sampler_for: SamplerFor, pg_major: int, pg_database: str
) -> None:
    sampler = await sampler_for(pg_database)
    connection = await connect(target(pg_database))
    poller = Poller(connection, await learn(connection))
    try:
        with psycopg.connect(pg_database, autocommit=True, application_name="polled") as client:
            pid = client.info.backend_pid
            await poller.poll(statements=False)
            await sampler.look()
            client.execute("select 1 as one")
            shown = None
            while shown is None or shown.wait_event_type != "Client":  # it says so a moment later
                poll = (await poller.poll(statements=False)).poll
                sampler.polled(poll.at, poller.changed)
                shown = next(one for one in poll.sessions if one.pid == pid)
            assert of(await sampler.look(), pid) is None
            # Its odometer is read all the same: it did something.
            if pg_major >= 18:
                await look_until(sampler, lambda look: buffers_of(look, pid) is not None)
            client.execute("select 1 as one, 2 as two")
            await look_until(sampler, lambda look: of(look, pid) is not None)
    finally:
        await connection.close()


async def test_a_poll_that_came_late_brings_nothing_back(sampler_for: SamplerFor, pg_database: str) -> None:
    sampler = await sampler_for(pg_database)
    connection = await connect(target(pg_database))
    poller = Poller(connection, await learn(connection))
    try:
        with psycopg.connect(pg_database, autocommit=True) as client:
            pid = client.info.backend_pid
            client.execute("select 1 as one")
            poll = (await poller.poll(statements=False)).poll
            client.execute("select 1 as one, 2 as two")
            await look_until(
                sampler, lambda look: (seen := of(look, pid)) is not None and seen.state == "idle"
            )
            await asyncio.sleep(0.05)
            await sampler.look()
            sampler.polled(poll.at, poller.changed)
            assert of(await sampler.look(), pid) is None, "it is not told again"
    finally:
        await connection.close()


async def test_its_own_session_is_not_seen(sampler_for: SamplerFor, pg_database: str) -> None:
    sampler = await sampler_for(pg_database)
    look = await sampler.look()
    assert all(sighting.application_name != "pgscope" for sighting in look.sightings)
    assert sampler.server_ms > 0


async def test_a_pooled_connection_that_changes_its_name(sampler_for: SamplerFor, pg_database: str) -> None:
    sampler = await sampler_for(pg_database)
    with psycopg.connect(pg_database, autocommit=True, application_name="first") as client:
        pid = client.info.backend_pid
        await sampler.look()
        client.execute("set application_name = 'second'")
        look = await look_until(sampler, lambda look: of(look, pid) is not None)
        seen = of(look, pid)
        assert seen is not None and seen.application_name == "second"


async def test_transactions_are_counted(sampler_for: SamplerFor, pg_database: str) -> None:
    """In autocommit each statement is a transaction, in a transaction only the whole."""
    sampler = await sampler_for(pg_database)
    with psycopg.connect(pg_database, autocommit=True, prepare_threshold=None) as client:
        pid = client.info.backend_pid

        async def count() -> int:
            client.execute("begin")
            look = await look_until(sampler, lambda look: odometer(look, pid) is not None)
            client.execute("commit")
            one = odometer(look, pid)
            assert one is not None and one.transactions is not None
            return one.transactions

        before = await count()
        for _ in range(25):
            client.execute("select 1")
        middle = await count()
        # Twenty-five and the transaction in which we count.
        assert middle - before == 26
        client.execute("begin")
        for _ in range(25):
            client.execute("select 1")
        client.execute("commit")
        assert await count() - middle == 2


async def test_buffers_are_counted_from_18(sampler_for: SamplerFor, pg_major: int, pg_database: str) -> None:
    sampler = await sampler_for(pg_database)
    with psycopg.connect(pg_database, autocommit=True) as client:
        pid = client.info.backend_pid
        client.execute(
            "create table t as select g as id, repeat('x', 500) as v from generate_series(1, 5000) g"
        )
        client.execute("vacuum t")
        pages = client.execute("select relpages from pg_class where relname = 't'").fetchone()
        assert pages is not None
        if pg_major < 18:
            client.execute("begin")
            look = await look_until(sampler, lambda look: odometer(look, pid) is not None)
            assert buffers_of(look, pid) is None
            return

        async def buffers() -> int:
            client.execute("select pg_stat_force_next_flush()")
            client.execute("select 1")
            look = await look_until(sampler, lambda look: buffers_of(look, pid) is not None)
            one = buffers_of(look, pid)
            assert one is not None and one.buffers is not None
            return one.buffers

        before = await buffers()
        for _ in range(4):
            client.execute("select count(v) from t")
        seen = await buffers() - before
        assert 4 * pages[0] <= seen <= 4 * pages[0] + 500


async def test_hostile_name_and_other_encoding(
    sampler_for: SamplerFor, pg: EmbeddedServer, pg_database: str
) -> None:
    sampler = await sampler_for(pg_database)
    name = "b[red]\x1b[31m\u202e'; drop"
    with psycopg.connect(pg_database, autocommit=True) as client:
        client.execute("select set_config('application_name', %s, false)", (name,))
        look = await look_until(sampler, lambda look: of(look, client.info.backend_pid) is not None)
        seen = of(look, client.info.backend_pid)
    assert seen is not None
    assert "\x1b" not in seen.application_name
    assert "[red]" in seen.application_name


async def test_a_large_server_is_read_by_what_changed(sampler_for: SamplerFor, pg_database: str) -> None:
    sampler = await sampler_for(pg_database)
    clients = [
        await psycopg.AsyncConnection.connect(pg_database, autocommit=True, application_name=f"app{i % 5}")
        for i in range(205)
    ]
    try:
        first = await sampler.look()
        assert len([one for one in first.sightings if one.application_name.startswith("app")]) == 205
        assert sampler.sessions >= 205
        await clients[7].execute("select 1 as one, 2 as two")
        look = await look_until(sampler, lambda look: of(look, clients[7].info.backend_pid) is not None)
        assert not look.complete
        assert len(look.sightings) < 20
    finally:
        for client in clients:
            await client.close()
