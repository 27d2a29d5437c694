"""What is remembered of waits and deadlocks, and how locks are put in words."""

from __future__ import annotations

from typing import Any

import pytest

from pgscope.analysis.locks import LockWaits
from pgscope.analysis.locks.objects import describe
from pgscope.sample import DatabaseCounters, Disconnected, Lock, Poll, Session

NOTHING = Lock(0, "", None, None, "", None, None, "", None, None, None, None, "", "", False, False, None)


def session(pid: int, **more: Any) -> Session:
    base = Session(
        pid, 1.0, 5, "shop", 10, "app", f"app{pid}", "", None, "client backend", None, "active", "Lock", "",
        None, None, None, None, None, None, f"select {pid}",
    )  # fmt: skip
    return base._replace(**more)


def row(pid: int, thing: int, granted: bool, waitstart: float | None = None) -> Lock:
    return NOTHING._replace(
        pid=pid,
        locktype="transactionid",
        transactionid=thing,
        mode="ExclusiveLock" if granted else "ShareLock",
        granted=granted,
        waitstart=waitstart,
    )


def look(at: float, *rows: Lock, pids: tuple[int, ...] = (), deadlocks: int | None = None) -> Poll:
    counters = DatabaseCounters(5, "shop", 0, 0, 0, 0, 0, deadlocks or 0, None)
    sessions = tuple(session(pid) for pid in {*pids, *(one.pid for one in rows)})
    databases = () if deadlocks is None else (counters,)
    return Poll(at, at, sessions, databases, locks=rows)


def test_the_blockers_that_lasted_longest_are_told() -> None:
    """Who held it up for two seconds is to blame, not who came last."""
    fold = LockWaits()
    for at, holder in ((10.0, 1), (11.0, 2), (12.0, 2), (13.0, 3)):
        fold.feed(look(at, row(holder, 7, True), row(9, 7, False, 9.5)))
    fold.feed(look(13.5))
    (record,) = fold.history
    assert (record.hard, record.roots) == ((2,), (2,))
    assert record.root is not None
    assert record.root.application_name == "app2"
    assert (record.since, record.first_seen, record.last_seen, record.seconds) == (9.5, 10.0, 13.0, 3.5)
    assert record.ended


def test_a_session_that_came_between_sessions_and_locks_waits_once() -> None:
    fold = LockWaits()
    held = row(1, 7, True), row(9, 7, False, 9.5)
    fold.feed(Poll(10.0, 10.0, (session(1),), locks=held))
    fold.feed(look(11.0, *held))
    fold.feed(look(12.0))
    (record,) = fold.window()
    assert (record.waiter.application_name, record.ended) == ("app9", True)
    assert (record.first_seen, record.last_seen, record.since) == (10.0, 11.0, 9.5)


def test_the_next_wait_for_the_same_is_another() -> None:
    fold = LockWaits()
    fold.feed(look(10.0, row(1, 7, True), row(9, 7, False, 9.0)))
    fold.feed(look(11.0, row(1, 7, True), row(9, 7, False, 10.5)))
    assert [(record.since, record.ended) for record in fold.window()] == [(9.0, True), (10.5, False)]


def test_waitstart_that_comes_late_is_the_same_wait() -> None:
    fold = LockWaits()
    fold.feed(look(10.0, row(1, 7, True), row(9, 7, False)))
    assert fold.since(9) == 10.0
    fold.feed(look(11.0, row(1, 7, True), row(9, 7, False, 9.9)))
    (record,) = fold.window()
    assert (record.since, fold.since(9), fold.since(1)) == (9.9, 9.9, None)


def test_locks_that_could_not_be_read_end_no_wait() -> None:
    """The sessions still say that they wait."""
    fold = LockWaits()
    fold.feed(look(10.0, row(1, 7, True), row(9, 7, False, 9.0)))
    fold.feed(look(11.0, pids=(9,)))
    assert fold.forest.unlocated == (9,)
    (record,) = fold.window()
    assert (record.ended, record.last_seen) == (False, 11.0)


def test_a_lost_connection_ends_the_waits() -> None:
    fold = LockWaits()
    fold.feed(look(10.0, row(1, 7, True), row(9, 7, False, 9.0)))
    fold.feed(Disconnected(11.0, 11.0, "gone"))
    assert not fold.forest
    assert [record.ended for record in fold.window()] == [True]


def test_memory_is_bounded() -> None:
    fold = LockWaits(history=3, window=5)
    for turn in range(8):
        at = 10.0 + turn
        fold.feed(look(at, row(1, 7, True), row(9, 7, False, at)))
    assert [record.since for record in fold.history] == [16.0, 15.0, 14.0]
    assert len(fold.window()) == 6


def circle(at: float, deadlocks: int) -> Poll:
    rows = (row(1, 7, True), row(2, 8, True), row(1, 8, False, at), row(2, 7, False, at))
    return look(at, *rows, deadlocks=deadlocks)


def test_each_cycle_accounts_for_one_deadlock() -> None:
    """The same two sessions may fall into it twice, and a third time unseen."""
    fold = LockWaits()
    fold.feed(look(9.0, deadlocks=4))
    fold.feed(circle(10.0, 4))
    fold.feed(look(11.0, deadlocks=5))
    fold.feed(circle(12.0, 5))
    fold.feed(look(13.0, deadlocks=7))
    members = [{one.pid for one in deadlock.members} for deadlock in fold.deadlocks]
    assert members == [{1, 2}, {1, 2}, set()]
    assert [deadlock.count for deadlock in fold.deadlocks] == [1, 1, 1]
    assert not any(deadlock.going_on for deadlock in fold.deadlocks)
    assert fold.deadlocks[0].waits == ("transaction 8", "transaction 7")


@pytest.mark.parametrize(("before", "after"), [(5, 5), (5, 3), (None, 5)])
def test_no_rise_no_deadlock(before: int | None, after: int) -> None:
    fold = LockWaits()
    fold.feed(look(9.0, deadlocks=before))
    fold.feed(look(10.0, deadlocks=after))
    assert fold.deadlocks == ()


def test_a_queue_that_the_server_can_rearrange_is_no_certain_deadlock() -> None:
    """3 waits for 2, which only stands behind 1, which waits for 3: the server lets 2 pass."""
    table = NOTHING._replace(locktype="relation", relation=3, relation_name="public.t", database=5)
    fold = LockWaits()
    fold.feed(
        look(
            12.0,
            row(2, 8, True),
            row(3, 8, False, 10.0),
            table._replace(pid=3, mode="AccessShareLock", granted=True),
            table._replace(pid=1, mode="AccessExclusiveLock", waitstart=10.5),
            table._replace(pid=2, mode="AccessShareLock", waitstart=11.0),
        )
    )
    (deadlock,) = fold.deadlocks
    assert [one.pid for one in deadlock.members] == [1, 3, 2]
    assert deadlock.waits == ("public.t", "transaction 8", "public.t")
    assert (deadlock.going_on, deadlock.certain) == (True, False)


def test_what_all_databases_share_is_in_none_of_them() -> None:
    role = NOTHING._replace(locktype="object", database=0, classid=1260, objid=5, object_name="role app")
    schema = role._replace(database=7, classid=2615, object_name="schema app")
    assert describe(role, "other") == "role app"
    assert describe(schema, "other") == "schema app in other"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"locktype": "relation", "relation": 9, "relation_name": "public.t"}, "public.t"),
        ({"locktype": "relation", "relation": 9}, "relation 9"),
        ({"locktype": "tuple", "relation": 9, "page": 3, "tuple": 4}, "row (3,4) of relation 9"),
        ({"locktype": "page", "relation": 9, "relation_name": "s.t", "page": 3}, "page 3 of s.t"),
        ({"locktype": "extend", "relation": 9, "relation_name": "s.t"}, "growth of s.t"),
        ({"locktype": "transactionid", "transactionid": 77}, "transaction 77"),
        ({"locktype": "virtualxid", "virtualxid": "3/14"}, "transaction 3/14"),
        ({"locktype": "advisory", "classid": 0, "objid": 5, "objsubid": 1}, "advisory lock 5"),
        ({"locktype": "advisory", "classid": 1, "objid": 5, "objsubid": 1}, "advisory lock 4294967301"),
        ({"locktype": "advisory", "classid": 1, "objid": 4294967295, "objsubid": 2}, "advisory lock (1, -1)"),
        ({"locktype": "object", "classid": 1260, "objid": 5, "object_name": "role app"}, "role app"),
        ({"locktype": "object", "classid": 1260, "objid": 5}, "object 5 of class 1260"),
        ({"locktype": "frozenid"}, "the oldest transaction ids"),
        ({"locktype": "spectoken", "transactionid": 7}, "insertion in progress of transaction 7"),
        ({"locktype": "applytransaction", "transactionid": 7}, "replicated transaction 7"),
        ({"locktype": "something new"}, "something new"),
    ],
)
def test_objects_in_words(fields: dict[str, Any], words: str) -> None:
    assert describe(NOTHING._replace(**fields)) == words
