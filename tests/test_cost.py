"""What pgscope costs: what goes over the wire for a poll, in how many turns, and keeping to a budget."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.ending import end
from pgscope.sample import Look, OwnCost, Poll, Sample, StatementCounters, StatementKey
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.poll import Poller
from pgscope.server.sampler import Sampler
from tests.proxy import Proxy
from tests.test_poll import poller

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def forgotten(pg: EmbeddedServer) -> Iterator[None]:
    """Thousands of statements and megabytes of texts make each reading dear for the tests after these."""
    yield
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("SELECT pg_stat_statements_reset()")


@contextmanager
def proxied(server: EmbeddedServer, folder: Path, *, delay: float = 0.0) -> Iterator[tuple[Proxy, str]]:
    """A counting door before the server, and the conninfo that leads through it."""
    socket = str(server.socket_dir / f".s.PGSQL.{server.port}")
    with Proxy(folder, socket, delay=delay) as proxy:
        yield proxy, f"host={folder} port=5432 user=postgres dbname=postgres"


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """For a socket: its path must be short."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pgs-") as name:
        yield Path(name)


def entries(polled: Poll) -> dict[StatementKey, int]:
    assert polled.statements is not None
    found = {row.key: row.calls for row in polled.statements}
    assert len(found) == len(polled.statements), "no entry twice"
    return found


async def test_only_counters_that_changed_travel_and_none_is_missed(pg: EmbeddedServer) -> None:
    """Statements come, run, are evicted and reset at random; a reader that begins anew sees the same."""
    chance = random.Random(5)
    async with poller(pg.conninfo) as one:
        with psycopg.connect(pg.conninfo, autocommit=True, prepare_threshold=None) as client:
            client.execute("SELECT pg_stat_statements_reset()")
            shapes = ["SELECT 1" + "".join(chance.choices(["+1", "-1"], k=n)) for n in range(1, 90)]
            unchanged = 0
            before: tuple[StatementCounters, ...] = ()
            for turn in range(25):
                for shape in chance.sample(shapes[: 20 + 3 * turn], 6):
                    client.execute(shape.encode())
                if turn % 8 == 7:
                    row = client.execute("SELECT userid, dbid, queryid FROM pg_stat_statements").fetchone()
                    assert row is not None
                    client.execute("SELECT pg_stat_statements_reset(%s, %s, %s)", row)
                    await one.poll()  # sees that entries moved, and reads all at the next
                polled = (await one.poll()).poll
                async with poller(pg.conninfo) as fresh:
                    assert entries(polled) == entries((await fresh.poll()).poll), turn
                assert polled.statements is not None
                old = {id(row) for row in before}
                unchanged += sum(id(row) in old for row in polled.statements)
                before = polled.statements
            assert unchanged > 150, "what did not change is not read again"
            client.execute("SELECT pg_stat_statements_reset()")
            await one.poll()
            async with poller(pg.conninfo) as fresh:
                assert entries((await one.poll()).poll).keys() == entries((await fresh.poll()).poll).keys()


async def test_a_poll_and_a_look_are_one_turn_each_and_idle_sessions_cost_few_bytes(
    pg: EmbeddedServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.server.sessions._LATE", 0.1)
    many = 150
    with (
        proxied(pg, folder, delay=0.02) as (proxy, conninfo),
        contextlib.ExitStack() as stack,
    ):
        connection = await connect(target(conninfo))
        facts = await learn(connection)
        one = Poller(connection, facts)
        (counted,) = proxy.connections

        async def bytes_of_a_poll() -> float:
            await one.poll()
            await asyncio.sleep(0.2)  # longer than a change counts as recent
            for _ in range(2):
                await one.poll(statements=False)
            turns, received = counted.round_trips, counted.received
            for _ in range(4):
                await one.poll(statements=False)
            assert counted.round_trips - turns == 4
            return (counted.received - received) / 4

        empty = await bytes_of_a_poll()
        for number in range(many):
            client = stack.enter_context(
                psycopg.connect(pg.conninfo, autocommit=True, application_name=f"a rather long name {number}")
            )
            client.execute("SELECT 'a statement of some length that an idle session ran last' AS last")
        full = await bytes_of_a_poll()
        assert empty + (full - empty) * 1000 / many < 20_000, "bytes for a thousand idle sessions"
        await one.poll()
        turns = counted.round_trips
        await one.poll()
        assert counted.round_trips - turns == 1, "with the counters of statements too"
        sampler = Sampler(connection, facts, one.names.codec, lambda: facts.own_pids)
        for _ in range(3):
            await sampler.look()
        turns = counted.round_trips
        await sampler.look()
        assert counted.round_trips - turns == 1
        await connection.close()


async def test_past_its_budget_it_slows_down_says_so_and_recovers(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody holds thousands of locks, which makes every look at pg_locks dear, and lets them go."""
    monkeypatch.setattr("pgscope.capture.live._COST_EVERY", 0.5)
    samples: list[Sample] = []
    source = LiveSource(target(pg.conninfo), interval=0.3, sample_hz=20.0, budget=0.06)
    task = asyncio.create_task(source.run(samples.append))

    async def until(condition: Callable[[OwnCost], object], what: str) -> OwnCost:
        deadline = time.monotonic() + PATIENCE
        begin = len(samples)
        while time.monotonic() < deadline:
            for one in samples[begin:]:
                if isinstance(one, OwnCost) and condition(one):
                    return one
            await asyncio.sleep(0.05)
        costs = [one for one in samples if isinstance(one, OwnCost)]
        raise AssertionError(f"never: {what}: {costs}")

    try:
        while not any(isinstance(one, Look) for one in samples):
            await asyncio.sleep(0.05)
        with psycopg.connect(pg.conninfo, autocommit=True) as client:
            client.execute("SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 15000) i")
            slow = await until(lambda cost: cost.throttled, "it slows down")
        assert "sampling at" in slow.throttled or "stopped" in slow.throttled
        assert "budget" in slow.throttled
        await until(lambda cost: not cost.throttled, "it recovers")
    finally:
        await end(task)
        assert task.cancelled()


async def test_long_texts_are_read_once_and_without_a_temporary_file(
    pg: EmbeddedServer, pg_database: str
) -> None:
    def temporary() -> int:
        with psycopg.connect(pg.conninfo, autocommit=True) as admin:
            row = admin.execute(
                "SELECT temp_bytes FROM pg_stat_database WHERE datname = split_part(%s, 'dbname=', 2)",
                [pg_database],
            ).fetchone()
        assert row is not None
        return int(row[0])

    with psycopg.connect(pg_database, autocommit=True, prepare_threshold=None) as client:
        client.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for number in range(400):
            signs = "".join("+-"[number >> bit & 1] + "1" for bit in range(9))
            client.execute(f"SELECT 2{signs} /* {'x' * 20_000} */".encode())
    before = temporary()
    connection = await connect(target(pg_database))
    one = Poller(connection, await learn(connection))
    await one.poll()
    assert one.reader is not None
    unseen = one.reader.unseen()
    texts = await one.reader.texts(connection, unseen)
    assert sum(map(len, texts.values())) > 8_000_000
    await one.poll()
    assert not one.reader.unseen() & unseen
    await connection.close()
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        deadline = time.monotonic() + PATIENCE
        while admin.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = 'pgscope'").fetchall():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
    assert temporary() == before


async def test_counters_of_many_statements_are_read_every_other_second(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few at each poll: they are cheap, and rates are fresher. Here all goes five times as fast."""
    monkeypatch.setattr("pgscope.capture.live._STATEMENTS_EVERY", 0.4)
    samples: list[Sample] = []
    source = LiveSource(target(pg.conninfo), interval=0.2, sample_hz=0, budget=1.0)

    async def reads(polls: int) -> list[bool]:
        """Whether each of the next polls read them."""
        begin = len(samples)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            told = [one.statements is not None for one in samples[begin:] if isinstance(one, Poll)]
            if len(told) >= polls:
                return told
            await asyncio.sleep(0.05)
        raise AssertionError("no polls")

    with psycopg.connect(pg.conninfo, autocommit=True, prepare_threshold=None) as client:
        client.execute("SELECT pg_stat_statements_reset()")
        task = asyncio.create_task(source.run(samples.append))
        try:
            assert all(await reads(3))
            for number in range(1100):
                signs = "".join("+-"[number >> bit & 1] + "3" for bit in range(11))
                client.execute(f"SELECT 3{signs}".encode())
            await reads(2)  # one that does not know of them yet may be under way
            told = await reads(5)
        finally:
            await end(task)
            assert task.cancelled()
    assert any(told) and not all(told)
    assert not any(one and other for one, other in pairwise(told))
