"""Random queues and holders through the forest builder, judged by the plain definition of each number."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pgscope.analysis.locks import LockForest, LockWaits, build_forest
from pgscope.analysis.locks.conflicts import MODES, conflict
from pgscope.analysis.locks.forest import LockNode
from pgscope.sample import Blocking, Lock, Poll, PreparedTransaction

PIDS = range(100, 116)
Made = tuple[Poll, dict[int, set[int]]]
"""A poll, and for each waiter the pids that the server would name."""


def lock(pid: int, thing: int, mode: str, granted: bool, **more: Any) -> Lock:
    base = Lock(
        pid,
        "relation",
        1,
        thing,
        f"public.t{thing}",
        None,
        None,
        "",
        None,
        None,
        None,
        None,
        "",
        mode,
        granted,
        False,
        None,
    )
    return base._replace(**more)


@st.composite
def polls(draw: st.DrawFn) -> Made:
    """A poll with every kind of tangle, and for each waiter what the server would call its blockers."""
    things = draw(st.integers(1, 4))
    rows: list[Lock] = []
    order: dict[int, list[tuple[int, str]]] = {thing: [] for thing in range(things)}
    held: dict[int, list[tuple[int, str]]] = {thing: [] for thing in range(things)}
    for pid in draw(st.lists(st.sampled_from(PIDS), max_size=20)):
        thing, mode = draw(st.integers(0, things - 1)), draw(st.sampled_from(MODES))
        held[thing].append((pid, mode))
        rows.append(lock(pid, thing, mode, True))
    prepared = []
    for xid in draw(st.lists(st.integers(500, 503), unique=True, max_size=3)):
        thing, mode = draw(st.integers(0, things - 1)), draw(st.sampled_from(MODES))
        prepared.append(PreparedTransaction(xid, f"gid {xid}", 1.0, "app", "db"))
        held[thing].append((0, mode))
        rows.append(lock(0, thing, mode, True, virtualtransaction=f"3/{xid}"))
        own = rows[-1]._replace(locktype="transactionid", relation=None, relation_name="", transactionid=xid)
        rows.append(own._replace(mode="ExclusiveLock"))
    moment = 0.0
    for pid in draw(st.lists(st.sampled_from(PIDS), unique=True)):
        thing, mode = draw(st.integers(0, things - 1)), draw(st.sampled_from(MODES))
        moment += 1.0
        order[thing].append((pid, mode))
        rows.append(lock(pid, thing, mode, False, waitstart=moment))
    truth: dict[int, set[int]] = {}
    for thing in range(things):
        for place, (pid, mode) in enumerate(order[thing]):
            rivals = held[thing] + order[thing][:place]
            truth[pid] = {other for other, theirs in rivals if other != pid and conflict(mode, theirs)}
    asked = draw(st.lists(st.sampled_from(sorted(truth)), unique=True)) if truth else []
    random.Random(draw(st.integers(0, 9))).shuffle(rows)
    said = tuple(Blocking(pid, tuple(truth[pid])) for pid in asked)
    return Poll(1000.0, 1.0, (), locks=tuple(rows), blocking=said, prepared=tuple(prepared)), truth


def blockers(node: LockNode) -> set[int]:
    return {max(key, 0) for key in node.hard_blockers + node.soft_blockers}


def waiters_behind(forest: LockForest, key: int) -> set[int]:
    """Who waits because of this node, by walking as the definition says."""
    found: set[int] = set()
    new = {key}
    while new:
        new = {
            node.key
            for node in forest.nodes.values()
            if node.key not in found and new & {*node.hard_blockers, *node.soft_blockers}
        }
        found |= new
    return found - {key}


def check_every_wait_is_right(made: Made) -> None:
    poll, truth = made
    forest = build_forest(poll)
    assert {node.key for node in forest.nodes.values() if node.waits} == set(truth)
    assert forest.waiting == len(truth)
    held = {(row.relation, row.pid, row.mode) for row in poll.locks if row.granted}
    for pid, expected in truth.items():
        node = forest.nodes[pid]
        assert blockers(node) == expected
        assert not set(node.hard_blockers) & set(node.soft_blockers)
        assert node.wait is not None
        for key in expected:
            holds = any(
                (relation, holder) == (node.wait.lock.relation, key) and conflict(node.wait.lock.mode, mode)
                for relation, holder, mode in held
            )
            if key:
                assert holds == (key in node.hard_blockers)


def check_each_stands_once_under_a_blocker(made: Made) -> None:
    poll, _ = made
    forest = build_forest(poll)
    lines = [node.key for node in forest.lines()]
    assert len(lines) == len(set(lines)) == len(forest.nodes)
    for node in forest.nodes.values():
        direct = node.hard_blockers + node.soft_blockers
        assert set(direct) - {node.parent} == set(node.others)
        assert node.holds or not any(node.key in other.hard_blockers for other in forest.nodes.values())
        if node.parent is None:
            assert node.depth == 0
            assert node.key in forest.tops
            assert not node.waits or not direct or node.cycle is not None
        else:
            assert node.parent in direct
            assert node.hard == (node.parent in node.hard_blockers)
            assert node.depth == forest.nodes[node.parent].depth + 1
            assert lines.index(node.parent) < lines.index(node.key)


def check_roots_and_counts(made: Made) -> None:
    poll, _ = made
    forest = build_forest(poll)
    for root in forest.roots:
        assert not root.waits
        assert root.behind > 0
    ranks = [forest.nodes[key].behind for key in forest.tops]
    assert ranks == sorted(ranks, reverse=True)
    for node in forest.nodes.values():
        behind = waiters_behind(forest, node.key)
        assert node.behind == len(behind)
        assert {other.key for other in forest.under(node.key)} == behind
        ends = {top for top in forest.tops if node.key in waiters_behind(forest, top)}
        if node.cycle is not None and node.key in forest.tops:
            ends.add(node.key)
        assert set(node.roots) == ends
        assert bool(node.roots) == (bool(node.waits) and bool(blockers(node)))


def check_cycles(made: Made) -> None:
    """In a cycle each reaches each; outside of cycles nobody reaches itself."""
    poll, _ = made
    forest = build_forest(poll)
    reached = {key: waiters_behind(forest, key) for key in forest.nodes}
    for place, cycle in enumerate(forest.cycles):
        assert len(cycle.members) > 1
        for member in cycle.members:
            assert forest.nodes[member].cycle == place
            assert set(cycle.members) - {member} <= reached[member]
    for node in forest.nodes.values():
        if node.cycle is None:
            assert not any(node.key in reached[other] for other in reached[node.key])


@settings(max_examples=150, deadline=None)
@given(polls())
def test_random_graphs(made: Made) -> None:
    check_every_wait_is_right(made)
    check_each_stands_once_under_a_blocker(made)
    check_roots_and_counts(made)
    check_cycles(made)


@settings(max_examples=30, deadline=None)
@given(st.lists(polls(), max_size=5))
def test_the_fold_forgets_no_wait(made: list[Made]) -> None:
    fold = LockWaits()
    seen: set[tuple[int, int | None]] = set()
    for turn, (poll, _) in enumerate(made):
        at = 1000.0 + turn
        fold.feed(Poll(at, at, (), locks=poll.locks, blocking=poll.blocking, prepared=poll.prepared))
        seen |= {(row.pid, row.relation) for row in poll.locks if not row.granted}
    window = fold.window()
    assert {(record.waiter.pid, record.lock.relation) for record in window} == seen
    for record in window:
        assert record.first_seen <= record.last_seen
        assert record.ended == (record.last_seen < 1000.0 + len(made) - 1)
        assert not set(record.hard) & set(record.soft)
