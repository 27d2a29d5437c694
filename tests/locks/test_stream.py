"""Lock waits through the whole stream: the live source, and the report."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime

import pytest

from pgscope.analysis.watch import Watch
from pgscope.capture.live import LiveSource
from pgscope.driver import Driver
from pgscope.server import locks
from pgscope.server.batch import Statement
from pgscope.server.conninfo import target
from tests.locks.scene import PATIENCE, Client, Scene


async def queue(scene: Scene) -> tuple[Client, list[Client]]:
    """One who holds; and those who wait: for its row, for the table, and behind that."""
    holder, row, ddl = scene.client("billing"), scene.client("worker"), scene.client("migrate")
    holder.run("begin", "update orders set n = 1 where id = 1")
    row.send("update orders set n = 2 where id = 1")
    await scene.waiting(row)
    ddl.send("alter table orders add column x int")
    await scene.waiting(ddl)
    reader = scene.client("web")
    reader.send("select * from orders")
    await scene.waiting(reader)
    return holder, [row, ddl, reader]


async def test_the_live_source_asks_only_while_someone_waits(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, polls, asked = Watch(), 0, 0
    made = locks.statements

    def counted() -> list[Statement]:
        nonlocal asked
        asked += 1
        return made()

    monkeypatch.setattr(locks, "statements", counted)

    def polled() -> None:
        nonlocal polls
        polls += 1

    async def more(number: int) -> None:
        until = polls + number
        while polls < until:
            await asyncio.sleep(0.02)

    source = LiveSource(target(scene.conninfo), interval=0.1, budget=1.0)
    running = asyncio.create_task(Driver(source, watch, polled).run())
    try:
        await asyncio.wait_for(more(8), PATIENCE)
        assert asked <= 1, "by the first poll, which knows of nobody yet"
        assert not watch.snapshot().locks

        holder, waiting = await queue(scene)

        async def until_waiting(number: int) -> None:
            while watch.snapshot().locks.waiting != number:
                await asyncio.sleep(0.02)

        await asyncio.wait_for(until_waiting(3), PATIENCE)
        snapshot = watch.snapshot()
        assert next(snapshot.locks.lines()).key == holder.pid
        for client in waiting:
            node = snapshot.locks.nodes[client.pid]
            assert set(node.hard_blockers + node.soft_blockers) == set(await scene.blockers(client.pid))
            assert snapshot.wait_starts[client.pid] <= snapshot.at
        (note,) = snapshot.ddl
        assert (note.pid, note.behind, note.waiting) == (waiting[1].pid, 1, True)

        holder.run("rollback")
        assert [client.finish() for client in waiting] == ["", "", ""]
        await asyncio.wait_for(until_waiting(0), PATIENCE)
        await asyncio.wait_for(more(3), PATIENCE)
        before = asked
        assert before > 0
        await asyncio.wait_for(more(8), PATIENCE)
        assert asked == before
        assert {record.waiter.pid for record in watch.snapshot().ended_waits} == {c.pid for c in waiting}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_lock_waits_in_the_report(scene: Scene) -> None:
    """Every key of the entries, on a queue that pg_blocking_pids describes too."""
    holder, waiting = await queue(scene)
    truth = {client.pid: set(await scene.blockers(client.pid)) for client in waiting}
    command = [sys.executable, "-m", "pgscope", "report", scene.conninfo, "--duration", "1"]
    running = await asyncio.create_subprocess_exec(
        *command,
        *("--format", "json", "--interval", "0.3", "--budget", "100"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(running.communicate(), 90)
    assert running.returncode == 0, error.decode()
    report = json.loads(out)
    entries = {entry["pid"]: entry for entry in report["lock_waits"]}
    row, ddl, reader = waiting
    assert set(entries) == {row.pid, ddl.pid, reader.pid}
    assert len(report["lock_waits"]) == 3
    for client in waiting:
        entry = entries[client.pid]
        hard, soft = entry["blocked_by"]["hard"], entry["blocked_by"]["soft"]
        assert set(hard) | set(soft) == truth[client.pid]
        assert not set(hard) & set(soft)
        assert entry["application_name"] == client.application
        assert holder.pid in entry["root_pids"]
        first, last = (
            datetime.fromisoformat(entry[key].replace("Z", "+00:00")) for key in ("first_seen", "last_seen")
        )
        assert first < last
        assert entry["waited_seconds"] >= (last - first).total_seconds() - 0.01
    assert [entries[client.pid]["mode"] for client in waiting] == [
        "ShareLock",
        "AccessExclusiveLock",
        "AccessShareLock",
    ]
    assert [entries[client.pid]["relation"] for client in waiting] == [None, "public.orders", "public.orders"]
    assert entries[reader.pid]["blocked_by"] == {"hard": [], "soft": [ddl.pid]}
    assert entries[reader.pid]["query"] == "select * from orders"
    assert set(entries[ddl.pid]["blocked_by"]["hard"]) == {holder.pid, row.pid}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
