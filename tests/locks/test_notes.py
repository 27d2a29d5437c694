"""What a waiting or running DDL is said to do, with real sessions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from pgscope.analysis.locks import LockWaits, build_forest, ddl_notes
from pgscope.analysis.locks.notes import span
from pgscope.report.locks_json import lock_waits_to_json
from tests.conftest import FreshServer
from tests.locks.scene import Scene


async def test_waiting_ddl(scene: Scene) -> None:
    billing, migrate = scene.client("billing"), scene.client("migrate")
    billing.run("begin", "update orders set n = 1 where id = 1")
    migrate.send("begin; alter table orders add column x int; commit")
    await scene.waiting(migrate)
    readers = [scene.client(f"web{number}") for number in range(3)]
    for reader in readers:
        reader.send("select * from orders")
    await scene.forest_of(migrate, *readers)
    poll = await scene.poll()
    (note,) = ddl_notes(poll.sessions, build_forest(poll))
    assert (note.pid, note.mode, note.waiting) == (migrate.pid, "AccessExclusiveLock", True)
    assert (note.behind, note.blocker) == (3, billing.pid)
    assert re.fullmatch(
        r"ALTER TABLE orders: ACCESS EXCLUSIVE, blocks reads and writes; 3 sessions behind it for [\d.]+ s; "
        rf"it waits for pid {billing.pid}, idle in transaction [\d.]+ s, application billing",
        note.sentence,
    )
    fold = LockWaits()
    fold.feed(poll)
    entries = {entry["pid"]: entry for entry in lock_waits_to_json(fold.window())}
    assert set(entries) == {migrate.pid, *(reader.pid for reader in readers)}
    entry = entries[readers[0].pid]
    assert entry["blocked_by"] == {"hard": [], "soft": [migrate.pid]}
    assert entry["root_pids"] == [billing.pid]
    assert (entry["application_name"], entry["mode"]) == ("web0", "AccessShareLock")
    assert (entry["relation"], entry["query"]) == ("public.orders", "select * from orders")
    assert entry["waited_seconds"] >= 0
    assert entries[migrate.pid]["blocked_by"] == {"hard": [billing.pid], "soft": []}


async def test_a_chain_names_its_root(scene: Scene) -> None:
    root, middle, ddl = scene.client("root"), scene.client("middle"), scene.client("ddl")
    root.run("begin", "update orders set n = 1 where id = 1")
    middle.run("begin", "update orders set n = 1 where id = 2")
    middle.send("update orders set n = 1 where id = 1")
    await scene.waiting(middle)
    ddl.send("create index on orders (n)")
    await scene.forest_of(middle, ddl)
    poll = await scene.poll()
    (note,) = ddl_notes(poll.sessions, build_forest(poll))
    assert note.sentence.startswith(
        "CREATE INDEX on orders: SHARE, blocks writes; reads go on; it waits for pid"
    )
    assert "and 1 more" in note.sentence


async def test_running_ddl(scene: Scene) -> None:
    """DDL that waits for nothing says what it shuts out, too; here it holds up one session."""
    gate, ddl, reader = scene.client("gate"), scene.client("ddl"), scene.client("web")
    gate.run("select pg_advisory_lock(1)")
    ddl.send("begin; lock table orders; select pg_advisory_lock(1)")
    await scene.waiting(ddl)
    reader.send("select * from orders")
    await scene.waiting(reader)
    gate.run("select pg_advisory_unlock(1)")
    assert ddl.finish() == ""
    ddl.send("truncate orders; select pg_sleep(600)")
    poll = await scene.poll_until(
        lambda poll: any(s.pid == ddl.pid and "truncate" in s.query for s in poll.sessions)
    )
    (note,) = ddl_notes(poll.sessions, build_forest(poll))
    assert (note.title, note.waiting, note.behind, note.blocker) == ("TRUNCATE orders", False, 1, None)
    assert re.search(r"; 1 session behind it for [\d.]+ s; running for [\d.]+ s$", note.sentence)


async def test_prepared_transaction_in_words(scene: Scene) -> None:
    scene.client().run("begin", "update orders set n = 1 where id = 1", "prepare transaction 'order 1'")
    ddl = scene.client("ddl")
    ddl.send("drop table orders")
    await scene.waiting(ddl)
    poll = await scene.poll()
    (note,) = ddl_notes(poll.sessions, build_forest(poll))
    assert note.blocker == 0
    assert re.search(r"it waits for prepared transaction 'order 1' of postgres, [\d.]+ s old$", note.sentence)


async def test_ddl_cut_off(scene: Scene) -> None:
    """A text too long for the server to show: pg_locks still tells what it waits for."""
    holder, ddl = scene.client("holder"), scene.client("ddl")
    holder.run("begin", "update orders set n = 1 where id = 1")
    ddl.send(f"create index on orders ((n + {' + '.join(map(str, range(1000)))}))")
    await scene.waiting(ddl)
    poll = await scene.poll()
    (note,) = ddl_notes(poll.sessions, build_forest(poll))
    assert note.sentence.startswith(
        "CREATE INDEX on public.orders: SHARE, blocks writes; reads go on; it waits"
    )


@pytest.fixture
async def vacuuming(fresh_pg: FreshServer, pg_major: int) -> AsyncIterator[Scene]:
    """A server where autovacuum works slowly on a table, to prevent wraparound."""
    server = fresh_pg(pg_major, {"autovacuum": "on", "autovacuum_naptime": "1s"})
    async with Scene(server.conninfo) as scene:
        client = scene.client("setup")
        client.run(
            "create table orders with (autovacuum_freeze_max_age = 100000, "
            " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
            " as select g as id, repeat('x', 500) as filling from generate_series(1, 20000) g",
            "create table tick (n int)",
            "do $$ begin for i in 1..101000 loop"
            " begin insert into tick values (1); exception when others then null; end;"
            " end loop; end $$",
        )
        yield scene


async def test_autovacuum_to_prevent_wraparound(vacuuming: Scene) -> None:
    scene = vacuuming
    await scene.until(
        "select true from pg_stat_activity"
        " where query in ('autovacuum: VACUUM public.orders (to prevent wraparound)',"
        " 'autovacuum: VACUUM ANALYZE public.orders (to prevent wraparound)')"
    )
    ddl = scene.client("migrate")
    ddl.send("alter table orders add column x int")
    forest = await scene.forest_of(ddl)
    (root,) = forest.roots
    assert root.session is not None
    assert root.session.backend_type == "autovacuum worker"
    poll = await scene.poll()
    notes = {note.pid: note for note in ddl_notes(poll.sessions, build_forest(poll))}
    assert "it waits for pid" in notes[ddl.pid].sentence
    assert "autovacuum worker" in notes[ddl.pid].sentence
    assert notes[root.pid].title in root.session.query
    assert notes[root.pid].behind == 1
    assert notes[root.pid].sentence.endswith("it prevents wraparound and does not give way to others")


def test_lengths_of_time() -> None:
    spans = [span(seconds) for seconds in (0.04, 0.5, 8.7, 119, 180, 7300, 400_000)]
    assert spans == ["0.0 s", "0.5 s", "8 s", "119 s", "3 min", "2 h", "4 d"]
