"""Progress of running DDL and maintenance, against real servers."""

from __future__ import annotations

import asyncio

import pytest

from pgscope.sample import Progress
from pgscope.server.progress import something_runs
from tests.locks.scene import PATIENCE, Scene


async def progress_of(scene: Scene, pid: int, detail: str = "") -> Progress:
    """The progress of a session, once there is some with this in its detail."""

    async def looking() -> Progress:
        while True:
            for row in (await scene.poll()).progress:
                if row.pid == pid and detail in row.detail:
                    return row
            await asyncio.sleep(0.02)

    return await asyncio.wait_for(looking(), PATIENCE)


async def test_index_build_waits_for_a_transaction(scene: Scene) -> None:
    holder, index = scene.client("report"), scene.client("migrate")
    holder.run("begin isolation level repeatable read", "select from orders")
    index.send("create index concurrently on orders (n)")
    await scene.waiting(index)
    row = await progress_of(scene, index.pid, f"waits for pid {holder.pid}")
    assert row.command == "CREATE INDEX CONCURRENTLY"
    assert row.phase.startswith("waiting for")
    assert row.relation_name == "public.orders"
    assert row.unit == "transactions"
    assert row.done < row.total
    assert something_runs((await scene.poll()).sessions)


async def test_copy(scene: Scene) -> None:
    """A COPY FROM that gets its rows from us stays as long as we like."""
    copy = scene.client("load")
    copy.send("copy orders from stdin")
    row = await progress_of(scene, copy.pid)
    assert (row.command, row.relation_name, row.unit) == ("COPY FROM", "public.orders", "bytes")
    assert row.phase == "pipe"


@pytest.mark.parametrize(
    ("statement", "command"),
    [("vacuum orders", "VACUUM"), ("analyze orders", "ANALYZE"), ("vacuum full orders", "VACUUM FULL")],
)
async def test_maintenance(scene: Scene, statement: str, command: str) -> None:
    """Maintenance slowed down until it has been seen."""
    setup, worker = scene.client(), scene.client("maintenance")
    setup.run("insert into orders select g, 0 from generate_series(11, 60000) g")
    if command == "VACUUM FULL":
        # An index on a function that waits for us holds the rebuild.
        setup.run(
            "create function slow(int) returns int immutable language plpgsql as"
            " 'begin perform pg_advisory_xact_lock_shared(9); return $1; end'",
            "create index on orders (slow(n))",
        )
        setup.run("select pg_advisory_lock(9)")
    else:
        worker.run("set vacuum_cost_delay = 100", "set vacuum_cost_limit = 1")
    worker.send(statement)
    row = await progress_of(scene, worker.pid)
    assert row.command == command
    assert row.relation_name == "public.orders"
    assert row.phase
    setup.run(f"select pg_cancel_backend({worker.pid})", "select pg_advisory_unlock_all()")
    worker.finish()
