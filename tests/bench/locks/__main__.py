"""uv run python -m tests.bench.locks [--majors 14,18] [--sessions 500]"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from psycopg import sql

from pgscope.analysis.locks import LockWaits, build_forest
from pgscope.capture.live import LiveSource
from pgscope.ending import end
from pgscope.report.locks_json import lock_waits_to_json
from pgscope.sample import OwnCost, Poll, Sample
from pgscope.server import locks, progress
from pgscope.server.batch import Statement
from pgscope.server.conninfo import target
from tests.locks.crowd import SETTINGS, Crowd
from tests.locks.scene import Scene
from tests.servers import MAJORS, Servers

LOOKS = 15


async def _statement(scene: Scene, statement: Statement) -> tuple[float, int, int]:
    """The wall time in ms of one statement over a local socket, its rows, and the bytes of its answer."""
    cursor = scene.connection.cursor(binary=True)
    started = time.perf_counter()
    await cursor.execute(statement.query, statement.params)
    took = (time.perf_counter() - started) * 1000.0
    result = cursor.pgresult
    assert result is not None
    size = sum(
        7 + sum(4 + len(result.get_value(row, column) or b"") for column in range(result.nfields))
        for row in range(result.ntuples)
    )
    return took, result.ntuples, size


async def _middle(scene: Scene, statement: Statement) -> tuple[float, int, int]:
    looks = [await _statement(scene, statement) for _ in range(LOOKS)]
    return statistics.median(look[0] for look in looks), looks[-1][1], looks[-1][2]


def _timed(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000.0)
    return statistics.median(times)


async def _measure(scene: Scene, major: int, name: str, begin: Callable[[], Awaitable[None]]) -> None:
    await begin()
    print(f"PostgreSQL {major}, {name}")
    for statement in [*locks.statements(), *progress.statements(major)]:
        took, rows, size = await _middle(scene, statement)
        print(f"  {statement.name:<42}{took:>8.2f} ms{rows:>7} rows{size:>10} bytes")
    all_pids = "select pid, pg_catalog.pg_blocking_pids(pid) from pg_catalog.pg_locks where not granted"
    took, rows, size = await _middle(scene, Statement("", sql.SQL(all_pids)))
    print(f"  {'(pg_blocking_pids of everyone, not used)':<42}{took:>8.2f} ms{rows:>7} rows{size:>10} bytes")
    poll = await scene.poll()
    asked = len(poll.blocking)
    print(f"  {'asked of pg_blocking_pids':<42}{asked:>8} of {build_forest(poll).waiting}")
    print(f"  {'forest (client)':<42}{_timed(lambda: build_forest(poll)):>8.2f} ms")
    fold = LockWaits()
    print(f"  {'fold with history (client)':<42}{_timed(lambda: fold.feed(poll)):>8.2f} ms")
    report = _timed(lambda: lock_waits_to_json(fold.window()))
    print(f"  {'lock_waits of the report (client)':<42}{report:>8.2f} ms")


def _processor_seconds(scene: Scene) -> float:
    """What pgscope's backends used of a processor since they started, by Linux's own count."""
    rows = scene.client("asker").run(
        "select pid from pg_stat_activity where application_name = 'pgscope'"
        f" and pid <> {scene.connection.info.backend_pid}"
    )
    files = [Path("/proc", pid, "schedstat") for (pid,) in rows]
    return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


async def _live(scene: Scene, seconds: float) -> None:
    """What the whole stream costs the server, as it says itself, with the budget that it has by default."""
    costs: list[OwnCost] = []
    polls: list[Poll] = []

    def take(sample: Sample) -> None:
        if isinstance(sample, OwnCost):
            costs.append(sample)
        elif isinstance(sample, Poll):
            polls.append(sample)

    task = asyncio.create_task(LiveSource(target(scene.conninfo)).run(take))
    await asyncio.sleep(seconds)
    used = _processor_seconds(scene)
    await end(task)
    shares = ", ".join(f"{cost.server_ms / cost.seconds / 10.0:.2f}%" for cost in costs)
    print(f"  live for {seconds:g} s: {len(polls)} polls; of one core, each 5 s: {shares}")
    print(f"  in truth, by the processor's time of its backends: {used / seconds * 100.0:.2f}%")
    print(f"  {costs[-1].throttled or 'not slowed down'}")


async def _run(major: int, sessions: int) -> None:
    server = Servers().fresh(major, {**SETTINGS, "max_connections": str(sessions + 50)})
    try:
        async with Scene(server.conninfo) as scene:
            scene.client("setup").run(
                "create table orders (id int primary key, n int)",
                "insert into orders select g, 0 from generate_series(1, 10) g",
            )
            crowd = Crowd(scene, sessions)
            await _measure(scene, major, f"{sessions} behind one ALTER TABLE", crowd.behind_alter)
            await _live(scene, 45.0)
            await crowd.disperse()
            await _measure(scene, major, f"{sessions} for one row", crowd.for_one_row)
            await crowd.disperse()
    finally:
        server.stop("immediate")


def main() -> None:
    parser = argparse.ArgumentParser(description="What a look at the locks costs")
    parser.add_argument("--majors", default=f"{MAJORS[0]},{MAJORS[-1]}")
    parser.add_argument("--sessions", type=int, default=500)
    arguments = parser.parse_args()
    for major in arguments.majors.split(","):
        asyncio.run(_run(int(major), arguments.sessions))


if __name__ == "__main__":
    main()
