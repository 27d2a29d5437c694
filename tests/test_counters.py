"""Counters that start over, vanish or come back never make a negative or absurd rate."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgscope.analysis.counters import EvictionWatch, Interval, StatementDeltas
from pgscope.sample import Poll, ServerFacts, StatementCounters, StatementKey, StatementsInfo
from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.poll import Poller
from tests.conftest import FreshServer
from tests.streams import streaming

NUMBERS = (1, 2, 3)


def row(number: int, calls: int, since: float | None) -> StatementCounters:
    return StatementCounters(
        10, 5, number, True, calls, calls * 3, calls * 0.5, 0.5, 0.0, calls, 0, 0, 0, 0, 0, 0.0, 0.0, 0, since
    )


event = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(NUMBERS), st.integers(1, 1000)),
    st.tuples(st.just("evict"), st.sampled_from(NUMBERS), st.just(0)),
    st.tuples(st.just("reset one"), st.sampled_from(NUMBERS), st.just(0)),
    st.tuples(st.just("reset"), st.just(0), st.just(0)),
    st.tuples(st.just("poll"), st.just(0), st.just(0)),
)


@settings(max_examples=300)
@given(st.lists(event, max_size=40), st.booleans())
def test_never_more_than_was_done(events: list[tuple[str, int, int]], knows_since: bool) -> None:
    """Whatever is evicted, made anew or reset between polls: no delta is negative, none more than true."""
    entries: dict[int, tuple[int, float]] = {}
    true = dict.fromkeys(NUMBERS, 0)
    dealloc, reset_at, clock = 0, 1.0, 2.0
    deltas = StatementDeltas()
    for kind, number, calls in [*events, ("poll", 0, 0)]:
        clock += 1.0
        if kind == "call":
            before, since = entries.get(number, (0, clock))
            entries[number] = (before + calls, since)
            true[number] += calls
        elif kind == "evict":
            if entries.pop(number, None) is not None:
                dealloc += 1
        elif kind == "reset one":
            # pg_stat_statements_reset(user, database, query) leaves stats_reset as it was.
            entries.pop(number, None)
        elif kind == "reset":
            entries.clear()
            dealloc, reset_at = 0, clock
        else:
            rows = tuple(
                row(one, calls, since if knows_since else None) for one, (calls, since) in entries.items()
            )
            interval = deltas.feed(
                Poll(clock, clock, (), statements=rows, statements_info=StatementsInfo(dealloc, reset_at))
            )
            assert interval is not None
            for key, counts in interval.deltas.items():
                assert all(value >= 0 for value in counts)
                assert 0 < counts.calls <= true[key.queryid]
            true = dict.fromkeys(NUMBERS, 0)


def test_without_evictions_nothing_is_lost() -> None:
    deltas = StatementDeltas()
    info = StatementsInfo(0, 1.0)
    deltas.feed(Poll(1.0, 1.0, (), statements=(row(1, 10, None),), statements_info=info))
    interval = deltas.feed(
        Poll(2.0, 2.0, (), statements=(row(1, 15, None), row(2, 4, None)), statements_info=info)
    )
    assert interval is not None
    assert {key.queryid: counts.calls for key, counts in interval.deltas.items()} == {1: 5, 2: 4}


def test_an_eviction_storm_names_the_setting() -> None:
    watch = EvictionWatch(5000)
    for second in range(6):
        assert watch.warning == ""
        watch.feed(Interval(0.0, float(second), 1.0, {}, evictions=1 if second in (2, 5) else 0))
    watch.feed(Interval(0.0, 6.0, 1.0, {}, evictions=9))
    assert "pg_stat_statements.max above 5000" in watch.warning
    watch.feed(Interval(0.0, 90.0, 1.0, {}))
    assert watch.warning == ""


class Watched:
    """A server's statements, read as pgscope reads them."""

    def __init__(self, connection: Connection, facts: ServerFacts) -> None:
        self.connection = connection
        self.facts = facts
        self.poller = Poller(connection, facts)
        self.deltas = StatementDeltas()

    async def tick(self) -> Interval:
        # A statement that fails once, on a server just started or a busy machine, is left out of that poll.
        interval = None
        failures: dict[str, Any] = {}
        for _ in range(100):
            polled = await self.poller.poll()
            failures.update(polled.failures)
            interval = self.deltas.feed(polled.poll)
            if interval is not None:
                break
            await asyncio.sleep(0.1)
        assert interval is not None, (failures, self.facts.missing)
        for counts in interval.deltas.values():
            assert all(value >= 0 for value in counts)
        return interval

    def calls(self, interval: Interval, key: StatementKey) -> float:
        return interval.deltas[key].calls if key in interval.deltas else 0.0


async def watched(conninfo: str) -> Watched:
    connection = await connect(target(conninfo))
    return Watched(connection, await learn(connection))


def key_of(client: psycopg.Connection[Any], like: str) -> StatementKey:
    found = client.execute(
        "select userid::int8, dbid::int8, queryid, toplevel from pg_stat_statements where query like %s"
        " and dbid = (select oid from pg_database where datname = current_database())",
        (like,),
    ).fetchone()
    assert found is not None
    return StatementKey(*found)


@pytest.fixture
async def no_leftovers() -> Any:
    """Closes what the tests opened."""
    opened: list[Connection] = []
    yield opened
    for connection in opened:
        await connection.close()


async def test_resets_on_a_real_server(pg_database: str, no_leftovers: list[Connection]) -> None:
    watch = await watched(pg_database)
    no_leftovers.append(watch.connection)
    with psycopg.connect(pg_database, autocommit=True) as client:

        def work(times: int) -> None:
            for _ in range(times):
                client.execute("select 1 as reset_probe")

        work(50)
        await watch.tick()
        key = key_of(client, "select $1 as reset_probe")
        work(7)
        assert watch.calls(await watch.tick(), key) == 7
        # A single entry: stats_reset stays, the entry begins anew.
        client.execute("select pg_stat_statements_reset(%s::oid, %s::oid, %s)", key[:3])
        work(3)
        assert watch.calls(await watch.tick(), key) <= 3
        work(2)
        assert watch.calls(await watch.tick(), key) == 2
        client.execute("select pg_stat_statements_reset()")
        work(4)
        interval = await watch.tick()
        assert interval.reset
        assert watch.calls(interval, key) <= 4
        work(5)
        assert watch.calls(await watch.tick(), key) == 5


async def test_evictions_on_a_real_server(
    fresh_pg: FreshServer, pg_major: int, no_leftovers: list[Connection]
) -> None:
    """A storm of them is told on the screen, and no counter is more than was done; nor after a crash."""
    server = fresh_pg(pg_major, {"pg_stat_statements.max": "100"})
    async with streaming(server.conninfo) as stream:
        await stream.more(Poll, 2)
        assert not any(stream.snapshot.notices)
        with psycopg.connect(server.conninfo, autocommit=True) as client:
            for number in range(300):
                client.execute(b"select 1" + b", 1" * number)
        await stream.until(lambda: stream.snapshot.notices, "a notice")
        (notice,) = stream.snapshot.notices
        assert "raise pg_stat_statements.max above 100" in notice
    watch = await watched(server.conninfo)
    no_leftovers.append(watch.connection)
    with psycopg.connect(server.conninfo, autocommit=True) as client:
        await watch.tick()
        evictions = 0
        for _ in range(2):
            for number in range(120):
                # Names do not make another statement, the number of columns does.
                client.execute(b"select 1" + b", 1" * number)
            interval = await watch.tick()
            evictions += interval.evictions
            assert sum(counts.calls for counts in interval.deltas.values()) <= 120 + 10
        assert evictions > 0
        # Commits wait for no disk here, and the extension must outlive the crash.
        client.execute("checkpoint")
    # A crash: everything begins anew.
    server.restart("immediate")
    again = await watched(server.conninfo)
    no_leftovers.append(again.connection)
    watch.deltas.restart()
    again.deltas = watch.deltas
    interval_after = await again.tick()
    assert not interval_after.deltas
