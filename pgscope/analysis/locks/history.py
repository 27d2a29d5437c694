"""What is remembered of lock waits: who waited for whom, how long, and how deep the chain was."""

from __future__ import annotations

from typing import TypeAlias

from pgscope.analysis.locks.edges import Wait
from pgscope.analysis.locks.forest import LockForest, LockNode
from pgscope.analysis.locks.objects import LockObject, describe, object_of
from pgscope.dataclass import dataclass
from pgscope.sample import Lock

_Blockers: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...]]"
"""Pids of those that hold a lock, and of those that only stand ahead."""


@dataclass(frozen=True)
class Party:
    """A session, or a prepared transaction, as it was when last looked at."""

    pid: int
    """0 for a prepared transaction."""
    backend_start: float | None
    application_name: str
    user: str
    database: str
    state: str
    query: str
    """The current or last statement; of a prepared transaction its identifier."""
    xact_start: float | None
    """When its transaction began (or was prepared), epoch seconds."""


@dataclass(frozen=True)
class WaitRecord:
    """One wait for one lock, from when it was first seen until it was last seen."""

    waiter: Party
    lock: Lock
    """The row of pg_locks that was not granted."""
    what: str
    """What the lock is on, in words."""
    hard: tuple[int, ...]
    """Pids that held the lock, 0 for a prepared transaction: as it was for the longest part of the wait."""
    soft: tuple[int, ...]
    """Pids that only stood ahead in the queue, for that same part."""
    roots: tuple[int, ...]
    """Pids at the end of the chain, for that same part; in a cycle its members."""
    root: Party | None
    """The one of them that held up the most sessions."""
    first_seen: float
    """Epoch seconds, by the server's clock, as all times here."""
    last_seen: float
    since: float
    """When the wait began: `waitstart`, else when first seen."""
    depth: int
    """Steps from the root, at most."""
    behind: int
    """Sessions that waited because of this one, at most."""
    ended: bool

    @property
    def seconds(self) -> float:
        """How long the wait lasted, as far as it was seen."""
        return max(self.last_seen - self.since, 0.0)


def party(forest: LockForest, key: int) -> Party:
    """The session or prepared transaction of a node; with its pid alone if no more is known."""
    node = forest.nodes.get(key)
    if node is not None and node.session is not None:
        one = node.session
        return Party(
            one.pid,
            one.backend_start,
            one.application_name,
            one.user,
            one.database,
            one.state,
            one.query,
            one.xact_start,
        )
    if node is not None and node.prepared is not None:
        prepared = node.prepared
        return Party(
            0, None, "", prepared.owner, prepared.database, "prepared", prepared.gid, prepared.prepared
        )
    return Party(max(key, 0), None, "", "", "", "", "", None)


@dataclass
class _Stretch:
    """Part of a wait, behind the same blockers; `root` as it was when last looked at."""

    seconds: float
    roots: tuple[int, ...]
    root: Party | None


class OpenWait:
    """A wait that goes on: what was seen of it so far."""

    def __init__(self, forest: LockForest, node: LockNode, place: int, root: Party | None) -> None:
        """`root` is the first of the node's roots."""
        self._forest = forest
        self._node = node
        self._place = place
        self._first = forest.at
        self._last = forest.at
        self._depth = 0
        self._behind = 0
        self._stretches: dict[_Blockers, _Stretch] = {}
        self._blockers = _blockers(node.waits[place])
        self._now = self._stretches[self._blockers] = _Stretch(0.0, _pids(node.roots), root)
        self._measure()

    def see(self, forest: LockForest, node: LockNode, place: int, root: Party | None) -> None:
        """The same wait again, at a later look."""
        self.still(forest.at)
        before = self._node.waits[self._place]
        self._forest, self._node, self._place = forest, node, place
        # Of a long queue the blockers are hundreds: they are not compared where they are the same object.
        if node.waits[place] is not before:
            self._blockers = _blockers(node.waits[place])
            self._now = self._stretches.setdefault(self._blockers, _Stretch(0.0, (), None))
        self._now.roots, self._now.root = _pids(node.roots), root
        self._measure()

    def _measure(self) -> None:
        self._depth = max(self._depth, self._node.depth)
        self._behind = max(self._behind, self._node.behind)

    def still(self, at: float) -> None:
        """The session still waits at `at`, and behind the same blockers, as far as anybody knows."""
        self._now.seconds += max(at - self._last, 0.0)
        self._last = max(at, self._last)

    def is_same(self, lock: Lock) -> bool:
        """Whether this row of the same session, object and mode is still this wait."""
        before = self._node.waits[self._place].lock.waitstart
        return before is None or lock.waitstart is None or before == lock.waitstart

    @property
    def pids(self) -> tuple[int, int]:
        """The session, and the backend of it that waits."""
        wait = self._node.waits[self._place]
        return self._node.key, wait.pid

    @property
    def since(self) -> float:
        """When it began: `waitstart`, else when first seen; epoch seconds."""
        waitstart = self._node.waits[self._place].lock.waitstart
        return self._first if waitstart is None else min(waitstart, self._first)

    def record(self, *, ended: bool) -> WaitRecord:
        """What was seen so far."""
        lock = self._node.waits[self._place].lock
        longest, stretch = max(self._stretches.items(), key=lambda one: (one[1].seconds, one[1] is self._now))
        return WaitRecord(
            party(self._forest, self._node.key),
            lock,
            describe(lock),
            *longest,
            stretch.roots,
            stretch.root,
            self._first,
            self._last,
            self.since,
            self._depth,
            self._behind,
            ended,
        )


def identity(node: LockNode, lock: Lock) -> tuple[int, float | None, LockObject, str]:
    """What names a wait from look to look, together with `OpenWait.is_same`."""
    return (lock.pid, node.session.backend_start if node.session else None, object_of(lock), lock.mode)


def _blockers(wait: Wait) -> _Blockers:
    return _pids(wait.hard), _pids(wait.soft)


def _pids(keys: tuple[int, ...]) -> tuple[int, ...]:
    if min(keys, default=1) > 0:
        return keys
    return tuple(dict.fromkeys(max(key, 0) for key in keys))
