"""The first poll is made while what shows it is loaded, and what is learned of roles begins nothing anew."""

from __future__ import annotations

import asyncio
import time

import psycopg
import pytest

from pgscope.capture import live
from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.ending import end
from pgscope.sample import Connected, Poll, Sample
from pgscope.server.conninfo import target
from tests.streams import streaming

PATIENCE = 60.0


async def first_poll(source: LiveSource) -> Poll:
    """The first that a source emits."""
    samples: list[Sample] = []
    running = asyncio.create_task(source.run(samples.append))
    try:
        deadline = time.monotonic() + PATIENCE
        while not any(isinstance(one, Poll) for one in samples):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
    finally:
        await end(running)
    return next(one for one in samples if isinstance(one, Poll))


async def test_the_first_poll_is_there_when_the_screen_is(pg: EmbeddedServer) -> None:
    source = LiveSource(target(pg.conninfo))
    source.sessions_first = True
    await source.open()
    await asyncio.sleep(0.3)
    shown = time.monotonic()
    assert (await first_poll(source)).mono < shown


async def test_a_first_poll_that_grew_old_is_made_anew(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody was asked for the password of another server."""
    monkeypatch.setattr(live, "_STALE", 0.2)
    source = LiveSource(target(pg.conninfo))
    source.sessions_first = True
    await source.open()
    await asyncio.sleep(0.3)
    shown = time.monotonic()
    assert (await first_poll(source)).mono > shown


async def test_a_source_that_was_opened_and_never_run_leaves_nothing(pg: EmbeddedServer) -> None:
    source = LiveSource(target(pg.conninfo))
    source.sessions_first = True
    pid = next(iter((await source.open()).own_pids))
    await source.close()
    with psycopg.connect(pg.conninfo, autocommit=True) as other:
        deadline = time.monotonic() + PATIENCE
        while other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).rowcount:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_another_superuser_changes_nothing_of_what_is_seen(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_LEARN_EVERY", 0.2)
    async with streaming(pg.conninfo) as stream:
        await stream.more(Poll, 3)
        with psycopg.connect(pg.conninfo, autocommit=True) as admin:
            admin.execute("CREATE ROLE t_another_superuser SUPERUSER")
            try:
                polls = stream.count(Poll)
                await stream.until(lambda: stream.count(Poll) >= polls + 12, "polls")
            finally:
                admin.execute("DROP ROLE t_another_superuser")
        assert stream.count(Connected) == 1
