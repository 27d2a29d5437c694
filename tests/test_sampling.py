"""The fast sampler beside the slow poll: it goes on, rests, stops and can be left out."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import sql

from pgscope.sample import Look, OwnCost, Poll
from tests.streams import streaming


async def test_looks_go_on_while_a_poll_is_busy(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True, application_name="t-busy") as client:
        # Of many statements, which other tests may have left, not each poll would read the counters.
        client.execute("select pg_stat_statements_reset()")
        # The server's own function, behind one that takes its time.
        row = client.execute(
            "select pg_get_function_arguments(oid) from pg_proc where proname = 'pg_stat_statements'"
        ).fetchone()
        assert row is not None
        client.execute("alter function pg_stat_statements(boolean) rename to its_statements")
        client.execute(
            sql.SQL(
                "create function pg_stat_statements({}) returns setof record language plpgsql as "
                "$$ begin perform pg_sleep(0.6);"
                " return query select * from public.its_statements(showtext); end $$"
            ).format(sql.SQL(row[0]))
        )
        # What it sleeps is taken for work, which must not be what makes looks rare.
        async with streaming(pg_database, sample_hz=20.0, budget=10.0) as stream:
            await stream.more(Poll)
            await stream.more(Look)
            start = len(stream.samples)
            await stream.more(Poll)
            during = stream.samples[start:]
            assert sum(isinstance(sample, Look) for sample in during) >= 3
            assert any(sample.statements for sample in during if isinstance(sample, Poll))
            # What ran while the poll was busy was seen by the looks.
            client.execute("select 1 as t_between")
            polls = stream.count(Poll)
            await stream.until(
                lambda: any(
                    seen.application_name == "t-busy" and seen.state == "idle"
                    for sample in stream.samples[start:]
                    if isinstance(sample, Look)
                    for seen in sample.sightings
                ),
                "the session in a look",
            )
            assert stream.count(Poll) <= polls + 1


async def test_a_poll_stands_for_a_look(pg_database: str) -> None:
    async with streaming(pg_database, sample_hz=5.0) as stream:
        stream.source.interval = 0.4
        await stream.more(Poll, 3)
        polls, looks = stream.count(Poll), stream.count(Look)
        await stream.more(Poll, 15)
        polls, looks = stream.count(Poll) - polls, stream.count(Look) - looks
        assert polls / 3 <= looks <= 1.6 * polls, "one between two polls, not two"


async def test_the_sampler_rests_while_nobody_looks(pg_database: str) -> None:
    async with streaming(pg_database) as stream:
        await stream.more(Look, 3)
        stream.source.resting = True
        await stream.more(Poll, 3)
        looks = stream.count(Look)
        await stream.more(Poll, 10)
        assert stream.count(Look) == looks
        stream.source.resting = False
        await stream.more(Look, 3)


async def test_out_of_budget_the_sampler_stops_and_the_poll_slows_down(
    pg_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.capture.live._COST_EVERY", 0.0)
    monkeypatch.setattr("pgscope.analysis.cost.STARTING_S", 0.0)
    async with streaming(pg_database, sample_hz=50.0, budget=1e-7) as stream:

        def slowest() -> bool:
            return any(isinstance(one, OwnCost) and one.interval == 10.0 for one in stream.samples)

        await stream.until(slowest, "that it polls as rarely as it may")
        assert stream.count(Poll) <= 7, "a mean of four polls decides"
        await stream.until(lambda: stream.count(Look) >= 5, "the looks that decide")
        for _ in range(3):
            await asyncio.sleep(0.1)
            await stream.source.last_poll(60.0)
        assert stream.count(Look) <= 7, "without it there would be fifteen more"
        for words in ("the sampler stopped", "polling every 10.0 s", "1e-05% of a core"):
            assert any(words in notice for notice in stream.snapshot.notices)


async def test_without_the_sampler_polls_attribute(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True, application_name="t-no-sampler") as client:
        async with streaming(pg_database, sample_hz=0) as stream:
            await stream.more(Poll, 2)

            def shares() -> list[str | None]:
                client.execute("select 1 as t_no_sampler")
                rows = stream.snapshot.statements.values()
                mine = [row for row in rows if "t_no_sampler" in row.query]
                return [share.application_name for row in mine for share in row.shares]

            await stream.until(lambda: shares() == ["t-no-sampler"], "its application")
            assert stream.count(Look) == 0
