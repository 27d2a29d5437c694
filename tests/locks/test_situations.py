"""Each kind of lock wait made with real sessions, and compared with pg_blocking_pids."""

from __future__ import annotations

import psycopg
import pytest

from pgscope.analysis.locks import LockWaits, build_forest
from pgscope.analysis.locks.objects import describe
from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import target
from tests.conftest import FreshServer
from tests.locks.scene import Scene
from tests.standby import standby_of


async def test_ddl_between_a_writer_and_readers(scene: Scene) -> None:
    """The queue behind a waiting DDL: the writer is to blame, and an innocent reader is not."""
    writer, reader = scene.client("billing"), scene.client("innocent")
    writer.run("begin", "update orders set n = 1 where id = 1")
    reader.run("begin", "select n from orders where id = 2")
    index, update = scene.client("migrate"), scene.client("web")
    index.send("create index on orders (n)")
    await scene.waiting(index)
    update.send("update orders set n = 2 where id = 2")
    forest = await scene.forest_of(index, update)
    assert [node.key for node in forest.lines()] == [writer.pid, index.pid, update.pid]
    assert [node.depth for node in forest.lines()] == [0, 1, 2]
    (root,) = forest.roots
    assert (root.key, root.behind, root.waits) == (writer.pid, 2, ())
    assert [lock.mode for lock in root.holds] == ["RowExclusiveLock"]
    middle, last = forest.nodes[index.pid], forest.nodes[update.pid]
    assert (middle.hard_blockers, middle.soft_blockers) == ((writer.pid,), ())
    assert (last.hard_blockers, last.soft_blockers) == ((), (index.pid,))
    assert (middle.hard, last.hard) == (True, False)
    assert last.roots == (writer.pid,)
    assert forest.waiting == 2
    assert middle.wait is not None
    assert middle.wait.lock.relation_name == "public.orders"
    assert middle.wait.lock.mode == "ShareLock"
    assert middle.wait.lock.waitstart is not None
    assert forest.node(reader.pid) is None
    assert forest.root_of(update.pid) is root
    assert [node.key for node in forest.under(index.pid)] == [update.pid]


async def test_several_blockers_of_one_waiter(scene: Scene) -> None:
    holders = [scene.client(f"reader{number}") for number in range(3)]
    for holder in holders:
        holder.run("begin", "select from orders")
    truncate = scene.client("truncate")
    truncate.send("truncate orders")
    forest = await scene.forest_of(truncate)
    node = forest.nodes[truncate.pid]
    assert set(node.hard_blockers) == {holder.pid for holder in holders}
    assert node.parent in node.hard_blockers
    assert set(node.others) == set(node.hard_blockers) - {node.parent}
    assert [root.behind for root in forest.roots] == [1, 1, 1]
    assert (forest.waiting, sum(1 for _ in forest.lines())) == (1, 4)


async def test_one_row_wanted_by_many(scene: Scene) -> None:
    """The first waits for the transaction, the next for the row, and so on: transactionid and tuple locks."""
    holder = scene.client("holder")
    holder.run("begin", "update orders set n = 1 where id = 1")
    waiters = []
    for number in range(4):
        waiter = scene.client(f"web{number}")
        waiter.send("update orders set n = n + 1 where id = 1")
        await scene.waiting(waiter)
        waiters.append(waiter)
    forest = await scene.forest_of(*waiters)
    first, *rest = [forest.nodes[waiter.pid] for waiter in waiters]
    assert [(root.key, root.behind) for root in forest.roots] == [(holder.pid, 4)]
    assert first.wait is not None
    assert (first.wait.lock.locktype, first.hard_blockers) == ("transactionid", (holder.pid,))
    for place, node in enumerate(rest):
        assert node.wait is not None
        assert node.wait.lock.locktype == "tuple"
        assert describe(node.wait.lock) == "row (0,1) of public.orders"
        assert node.hard_blockers == (first.key,)
        assert node.soft_blockers == tuple(earlier.key for earlier in rest[:place])
        assert (node.parent, node.depth, node.roots) == (first.key, 2, (holder.pid,))


async def test_prepared_transaction(scene: Scene) -> None:
    owner = scene.client("two-phase")
    owner.run("begin", "update orders set n = 1 where id = 1", "prepare transaction 'order 1'")
    update, drop = scene.client("web"), scene.client("migrate")
    update.send("update orders set n = 2 where id = 1")
    await scene.waiting(update)
    drop.send("drop table orders")
    forest = await scene.forest_of(update, drop)
    scene.client("cleaner").run("rollback prepared 'order 1'")
    (root,) = forest.roots
    assert root.pid == 0
    assert root.prepared is not None
    assert (root.prepared.gid, root.prepared.owner) == ("order 1", "postgres")
    assert root.key == -root.prepared.transaction
    assert root.behind == 2
    assert forest.nodes[update.pid].hard_blockers == (root.key,)
    assert set(forest.nodes[drop.pid].hard_blockers) == {root.key, update.pid}


async def test_two_prepared_transactions_are_told_apart(scene: Scene) -> None:
    scene.client().run("begin", "update orders set n = 1 where id = 1", "prepare transaction 'one'")
    scene.client().run("begin", "lock orders in row share mode", "prepare transaction 'two'")
    drop, update = scene.client("drop"), scene.client("update")
    update.send("update orders set n = 2 where id = 1")
    await scene.waiting(update)
    drop.send("drop table orders")
    forest = await scene.forest_of(update, drop)
    cleaner = scene.client()
    cleaner.run("rollback prepared 'one'")
    cleaner.run("rollback prepared 'two'")
    assert {root.prepared.gid for root in forest.roots if root.prepared} == {"one", "two"}
    assert len(forest.nodes[drop.pid].hard_blockers) == 3
    (blocker,) = forest.nodes[update.pid].hard_blockers
    prepared = forest.nodes[blocker].prepared
    assert prepared is not None
    assert prepared.gid == "one"


async def test_parallel_workers_stand_for_their_leader(scene: Scene) -> None:
    """A parallel query that waits in a worker, and one that holds a lock through its workers."""
    setup = scene.client()
    setup.run(
        "create table big as select g as id from generate_series(1, 200000) g",
        "analyze big",
        "create function held(int) returns bool language plpgsql parallel safe as"
        " 'begin perform pg_advisory_xact_lock_shared(7); return true; end'",
    )
    holder, query = scene.client("holder"), scene.client("report")
    holder.run("select pg_advisory_lock(7)")
    query.run(
        "set max_parallel_workers_per_gather = 2",
        "set parallel_setup_cost = 0",
        "set parallel_tuple_cost = 0",
        "set min_parallel_table_scan_size = 0",
        "set parallel_leader_participation = off",
    )
    query.send("select count(*) from big where held(id)")
    poll = await scene.poll_until(
        lambda poll: any(
            not lock.granted and any(s.pid == lock.pid and s.leader_pid == query.pid for s in poll.sessions)
            for lock in poll.locks
        )
    )
    forest = build_forest(poll)
    node = forest.nodes[query.pid]
    assert node.session is not None
    assert node.session.application_name == "report"
    assert node.wait is not None
    assert node.wait.pid != query.pid
    assert set(await scene.blockers(node.wait.pid)) == {holder.pid}
    assert node.hard_blockers == (holder.pid,)
    assert forest.node(node.wait.pid) is node
    assert forest.waiting == 1
    assert [root.behind for root in forest.roots] == [1]


async def test_advisory_locks(scene: Scene) -> None:
    holder, one, two = scene.client("holder"), scene.client("one"), scene.client("two")
    holder.run("select pg_advisory_lock(-5)", "select pg_advisory_lock(3, -4)")
    one.send("select pg_advisory_lock(-5)")
    two.send("select pg_advisory_lock_shared(3, -4)")
    forest = await scene.forest_of(one, two)
    first, second = forest.nodes[one.pid].wait, forest.nodes[two.pid].wait
    assert first is not None
    assert second is not None
    assert describe(first.lock) == "advisory lock -5"
    assert describe(second.lock) == "advisory lock (3, -4)"
    assert second.lock.mode == "ShareLock"
    assert forest.nodes[holder.pid].behind == 2


async def test_virtualxid(scene: Scene) -> None:
    """CREATE INDEX CONCURRENTLY waits for transactions that only read, by their virtual ids."""
    holder, index = scene.client("report"), scene.client("migrate")
    holder.run("begin isolation level repeatable read", "select from orders")
    index.send("create index concurrently on orders (n)")
    forest = await scene.forest_of(index)
    wait = forest.nodes[index.pid].wait
    assert wait is not None
    assert wait.lock.locktype == "virtualxid"
    assert wait.hard == (holder.pid,)


async def test_object_lock(scene: Scene) -> None:
    """A lock on something that is no relation is named in the server's words."""
    setup, holder, drop = scene.client(), scene.client("holder"), scene.client("drop")
    setup.run("create schema shelf")
    holder.run("begin", "create table shelf.book ()")
    drop.send("drop schema shelf")
    forest = await scene.forest_of(drop)
    wait = forest.nodes[drop.pid].wait
    assert wait is not None
    assert (wait.lock.locktype, describe(wait.lock)) == ("object", "schema shelf")


async def test_fast_path_holders(scene: Scene) -> None:
    """Weak locks lie in the sessions' own slots until a strong one is wanted."""
    readers = [scene.client(f"reader{number}") for number in range(2)]
    for reader in readers:
        reader.run("begin", "select from orders")
    lock = scene.client("migrate")
    lock.send("begin; lock table orders in access exclusive mode")
    forest = await scene.forest_of(lock)
    assert set(forest.nodes[lock.pid].hard_blockers) == {reader.pid for reader in readers}
    assert all(held.relation_name == "public.orders" for root in forest.roots for held in root.holds)


async def test_upgrade_stands_before_the_queue(scene: Scene) -> None:
    """Who holds a lock and wants a stronger one is let in ahead of those who came first."""
    reader, other, ddl = scene.client("reader"), scene.client("other"), scene.client("ddl")
    reader.run("begin", "lock orders in access share mode")
    other.run("begin", "lock orders in row exclusive mode")
    ddl.send("begin; lock orders in access exclusive mode")
    await scene.waiting(ddl)
    reader.send("lock orders in share mode")
    forest = await scene.forest_of(ddl, reader)
    assert [root.key for root in forest.roots] == [other.pid]
    assert forest.nodes[reader.pid].hard_blockers == (other.pid,)
    assert set(forest.nodes[ddl.pid].hard_blockers) == {other.pid, reader.pid}


async def test_predicate_locks_block_nobody(scene: Scene) -> None:
    reader, writer, waiter = scene.client("serializable"), scene.client("writer"), scene.client("waiter")
    reader.run("begin isolation level serializable", "select * from orders where id = 1")
    writer.run("begin", "lock orders in exclusive mode")
    waiter.send("update orders set n = 3 where id = 1")
    forest = await scene.forest_of(waiter)
    assert [root.key for root in forest.roots] == [writer.pid]


async def test_deadlock(scene: Scene) -> None:
    """A cycle shows as one until the server breaks it, and is remembered with its members."""
    one, two, three = scene.client("one"), scene.client("two"), scene.client("three")
    for client, row in ((one, 1), (two, 2)):
        client.run("set deadlock_timeout = '1h'", "begin", f"update orders set n = 1 where id = {row}")
    fold = LockWaits()
    fold.feed(await scene.poll())
    one.send("update orders set n = 1 where id = 2")
    await scene.waiting(one)
    two.send("update orders set n = 1 where id = 1")
    await scene.waiting(two)
    three.send("update orders set n = 1 where id = 1")
    forest = await scene.forest_of(one, two, three)
    (cycle,) = forest.cycles
    assert set(cycle.members) == {one.pid, two.pid}
    assert cycle.hard
    assert forest.roots == ()
    assert set(forest.tops) == {one.pid, two.pid}
    assert [node.key for node in forest.lines()].count(three.pid) == 1
    assert forest.nodes[three.pid].roots
    assert set(forest.nodes[three.pid].roots) == {one.pid, two.pid}
    fold.feed(await scene.poll())
    (seen,) = fold.deadlocks
    assert seen.going_on
    assert {member.pid for member in seen.members} == {one.pid, two.pid}
    assert {member.application_name for member in seen.members} == {"one", "two"}
    scene.client().run(f"select pg_terminate_backend({two.pid})")
    assert one.finish() == ""
    fold.feed(await scene.poll())
    (remembered,) = fold.deadlocks
    assert (remembered.going_on, remembered.certain) == (False, True)


async def test_deadlock_between_looks(scene: Scene) -> None:
    """A deadlock that no look saw still shows by the server's count."""
    one, two = scene.client("one"), scene.client("two")
    fold = LockWaits()
    await scene.poll()
    fold.feed(await scene.poll())
    for client, row in ((one, 1), (two, 2)):
        client.run("set deadlock_timeout = '10ms'", "begin", f"update orders set n = 1 where id = {row}")
    one.send("update orders set n = 1 where id = 2")
    two.send("update orders set n = 1 where id = 1")
    errors = one.finish(), two.finish()
    assert sum("deadlock detected" in error for error in errors) == 1
    for client in (one, two):
        client.run("rollback")
        client.close()
    poll = await scene.poll_until(
        lambda poll: any(row.deadlocks for row in poll.databases if row.database == scene.facts.database)
    )
    fold.feed(poll)
    (seen,) = fold.deadlocks
    assert (seen.database, seen.members, seen.count) == (scene.facts.database, (), 1)


async def test_history_of_a_wait(scene: Scene) -> None:
    holder, waiter = scene.client("billing"), scene.client("web")
    holder.run("begin", "update orders set n = 1 where id = 1")
    fold = LockWaits()
    waiter.send("update orders set n = 2 where id = 1")
    await scene.waiting(waiter)
    fold.feed(await scene.poll())
    fold.feed(await scene.poll())
    (open_wait,) = fold.window()
    assert not open_wait.ended
    assert not fold.history
    assert fold.since(waiter.pid) == open_wait.lock.waitstart
    holder.run("rollback")
    assert waiter.finish() == ""
    fold.feed(await scene.poll())
    (ended,) = fold.history
    assert [(record.waiter, record.ended) for record in fold.window()] == [(ended.waiter, True)]
    assert ended.waiter.application_name == "web"
    assert ended.root is not None
    assert (ended.root.application_name, ended.root.state) == ("billing", "idle in transaction")
    assert (ended.hard, ended.soft, ended.roots, ended.depth) == ((holder.pid,), (), (holder.pid,), 1)
    assert ended.seconds > 0
    assert not fold.forest


async def test_relation_of_another_database(scene: Scene, pg_database: str) -> None:
    """A relation of another database is named by one short connection there, asked for once."""
    here = target(pg_database)
    async with Scene(str(here.with_database("postgres").conninfo())) as elsewhere:
        holder, waiter = scene.client("holder"), scene.client("waiter")
        holder.run("begin", "lock orders")
        waiter.send("select from orders")
        await scene.waiting(waiter)
        forest = await elsewhere.forest_of(waiter)
        wait = forest.nodes[waiter.pid].wait
        assert wait is not None
        assert wait.lock.relation_name == ""
        assert describe(wait.lock).startswith("relation ")
        opened = []

        async def open_database(name: str) -> Connection:
            opened.append(name)
            return await connect(here.with_database(name))

        assert elsewhere.poller.objects.wanted_elsewhere
        for _ in range(2):
            await elsewhere.poller.objects.read_elsewhere(open_database)
        assert opened == [scene.facts.database]
        poll = await elsewhere.poll()
        assert {lock.relation_name for lock in poll.locks} == {"public.orders"}


async def test_names_wait_for_nobody(scene: Scene) -> None:
    """With pg_class itself locked the waits are still seen, only without names."""
    holder, waiter = scene.client("holder"), scene.client("waiter")
    holder.run("begin", "lock orders")
    waiter.send("select from orders")
    await scene.waiting(waiter)
    await scene.poll()
    catalog = scene.client("catalog")
    catalog.run("begin", "lock pg_catalog.pg_class")
    forest = build_forest(await scene.poll())
    assert forest.nodes[waiter.pid].hard_blockers == (holder.pid,)


async def test_cold_catalog_lock(pg_database: str) -> None:
    """pg_class is locked before the first look at any lock."""
    async with Scene(pg_database) as scene:
        scene.client().run("create table orders (id int)")
        holder, waiter, catalog = scene.client("holder"), scene.client("waiter"), scene.client("catalog")
        holder.run("begin", "lock orders")
        waiter.send("select from orders")
        await scene.waiting(waiter)
        catalog.run("begin", "lock pg_catalog.pg_class")
        forest = build_forest(await scene.poll())
        assert forest.nodes[waiter.pid].hard_blockers == (holder.pid,)


async def test_without_privileges(scene: Scene) -> None:
    """A role that may not see the others' sessions still sees who waits for whom."""
    scene.client().run("create role nobody_much login")
    try:
        async with Scene(f"{scene.conninfo} user=nobody_much") as plain:
            assert not plain.facts.reads_all_stats
            holder, waiter = scene.client("holder"), scene.client("waiter")
            holder.run("begin", "lock orders")
            waiter.send("select from orders")
            await scene.waiting(waiter)
            forest = await plain.forest_of(waiter)
            assert forest.nodes[waiter.pid].hard_blockers == (holder.pid,)
            assert [root.key for root in forest.roots] == [holder.pid]
    finally:
        scene.client().run("drop role nobody_much")


@pytest.mark.one_major("of a standby, which takes a while to make")
async def test_the_replay_of_a_standby_waits_for_a_reader(fresh_pg: FreshServer, pg_major: int) -> None:
    """pg_blocking_pids knows nothing of the startup process: who holds it up is worked out."""
    primary = fresh_pg(pg_major)
    with psycopg.connect(primary.conninfo, autocommit=True) as writer:
        writer.execute("create table replayed (a int)")
        standby = standby_of(primary, fresh_pg)
        async with Scene(standby.conninfo) as scene:
            holder, reader = scene.client("holder"), scene.client("reader")
            holder.run("begin isolation level repeatable read", "select * from replayed")
            writer.execute("begin; lock replayed; insert into replayed values (1); select pg_switch_wal()")
            await scene.poll_until(lambda poll: any(not lock.granted for lock in poll.locks))
            reader.send("select * from replayed")
            poll = await scene.poll_until(
                lambda poll: reader.pid in {lock.pid for lock in poll.locks if not lock.granted}
            )
            forest = build_forest(poll)
            root, replay, last = forest.lines()
            assert (root.key, root.behind, last.key) == (holder.pid, 2, reader.pid)
            assert replay.session is not None and replay.session.backend_type == "startup"
            assert (replay.hard_blockers, last.soft_blockers) == ((holder.pid,), (replay.key,))
