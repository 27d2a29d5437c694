"""Locks held for a moment only, held still so that they can be compared: extend and page locks."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pgscope.analysis.locks.objects import describe
from tests.locks.scene import PATIENCE, Client, Scene


@contextmanager
def stopped(pid: int) -> Iterator[threading.Event]:
    """A backend held still, with the locks that it has at this moment; the event tells that it went on.

    It may hold what everyone needs who reads the locks, so it goes on by itself after some seconds.
    """
    gone_on = threading.Event()

    def go_on() -> None:
        gone_on.set()
        os.kill(pid, signal.SIGCONT)

    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(3.0, go_on)
    timer.start()
    try:
        yield gone_on
    finally:
        timer.cancel()
        os.kill(pid, signal.SIGCONT)


async def test_extend(scene: Scene) -> None:
    """Sessions that fill one table wait for each other to let it grow."""
    scene.client().run("create unlogged table grown (line text)")
    scene.client().run("alter table grown alter line set storage plain")
    loaders = [scene.client(f"load{number}") for number in range(5)]
    for loader in loaders:
        loader.send("insert into grown select repeat('x', 8000) from generate_series(1, 10000)")
    finder = scene.client("finder")

    async def caught() -> None:
        while not await _compared(scene, finder, loaders):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(caught(), PATIENCE)


async def _compared(scene: Scene, finder: Client, loaders: list[Client]) -> bool:
    """Whether some waited behind one held still, and were shown as the server says."""
    locks = "select pid, granted from pg_locks where locktype = 'extend' order by granted desc, pid"
    rows = finder.run(locks)
    if not rows or rows[0][1] != "t":
        return False
    holder = int(rows[0][0])
    with stopped(holder) as gone_on:
        # The signal may have come a moment late: what is held still looks the same twice.
        rows = finder.run(locks)
        await asyncio.sleep(0.02)
        if rows != finder.run(locks) or rows[0] != (str(holder), "t") or len(rows) < 2:
            return False
        pids = {int(pid) for pid, granted in rows if granted == "f"}
        try:
            forest = await scene.forest_of(*(loader for loader in loaders if loader.pid in pids))
        except (AssertionError, asyncio.TimeoutError):
            if gone_on.is_set():
                return False
            raise
        if gone_on.is_set():
            return False
        assert [root.key for root in forest.roots] == [holder]
        assert forest.waiting == len(pids)
        for pid in pids:
            wait = forest.nodes[pid].wait
            assert wait is not None
            assert (wait.lock.locktype, describe(wait.lock)) == ("extend", "growth of public.grown")
            assert holder in forest.nodes[pid].hard_blockers
        return True


async def test_page(scene: Scene) -> None:
    """Who empties a GIN index's pending list locks its first page; a comparison of ours holds it there."""
    setup, gate = scene.client(), scene.client("gate")
    setup.run(
        "create function slow(int, int) returns int immutable strict language plpgsql as"
        " 'begin perform pg_advisory_xact_lock_shared(11); return btint4cmp($1, $2); end'",
        "create operator class slow_ops for type int[] using gin as operator 1 && (anyarray, anyarray),"
        " function 1 slow(int, int), function 2 ginarrayextract(anyarray, internal, internal),"
        " function 3 ginqueryarrayextract(anyarray, internal, int2, internal, internal, internal, internal),"
        " function 4 ginarrayconsistent(internal, int2, anyarray, int4, internal, internal, internal,"
        " internal), storage int",
        "create table tagged (tags int[])",
        "create index by_tag on tagged using gin (tags slow_ops)",
        "insert into tagged select array[g, g + 1] from generate_series(1, 20) g",
    )
    gate.run("select pg_advisory_lock(11)")
    first, second = scene.client("cleaner"), scene.client("vacuum")
    first.send("select gin_clean_pending_list('by_tag')")
    await scene.waiting(first)
    second.send("select gin_clean_pending_list('by_tag')")
    try:
        forest = await scene.forest_of(first, second)
    finally:
        # It cannot be cancelled where it waits, so it must get what it waits for.
        gate.run("select pg_advisory_unlock_all()")
    wait = forest.nodes[second.pid].wait
    assert wait is not None
    assert (wait.lock.locktype, describe(wait.lock)) == ("page", "page 0 of public.by_tag")
    assert forest.nodes[second.pid].hard_blockers == (first.pid,)
    assert forest.nodes[second.pid].roots == (gate.pid,)
    assert [node.depth for node in forest.lines()] == [0, 1, 2]
    assert (first.finish(), second.finish()) == ("", "")
