"""What is remembered of lock waits: who waited for whom, how long, and how deep the chain was."""

from __future__ import annotations

from pgscope.analysis.locks.forest import LockForest, LockNode
from pgscope.analysis.locks.objects import LockObject, describe, object_of
from pgscope.dataclass import dataclass
from pgscope.sample import Lock


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


class OpenWait:
    """A wait that goes on: what was seen of it so far."""

    def __init__(self, forest: LockForest, node: LockNode, place: int) -> None:
        self._forest = forest
        self._node = node
        self._place = place
        self._first = forest.at
        self._last = forest.at
        self._depth = 0
        self._behind = 0
        # Seconds that each set of blockers lasted, and what it led to.
        self._seen: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {}
        self._ends: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, ...], Party | None]] = {}
        self._blockers: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        self.see(forest, node, place)

    def see(self, forest: LockForest, node: LockNode, place: int) -> None:
        """The same wait again, at a later look."""
        self.still(forest.at)
        self._forest, self._node, self._place = forest, node, place
        self._depth = max(self._depth, node.depth)
        self._behind = max(self._behind, node.behind)
        wait = node.waits[place]
        self._blockers = (_pids(wait.hard), _pids(wait.soft))
        self._seen.setdefault(self._blockers, 0.0)
        root = party(forest, node.roots[0]) if node.roots else None
        self._ends[self._blockers] = (_pids(node.roots), root)

    def still(self, at: float) -> None:
        """The session still waits, by its own word, though the locks were not read at `at`."""
        if self._seen:
            self._seen[self._blockers] += max(at - self._last, 0.0)
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
        longest = max(self._seen, key=lambda blockers: (self._seen[blockers], blockers == self._blockers))
        roots, root = self._ends[longest]
        return WaitRecord(
            party(self._forest, self._node.key),
            lock,
            describe(lock),
            *longest,
            roots,
            root,
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


def _pids(keys: tuple[int, ...]) -> tuple[int, ...]:
    if min(keys, default=1) > 0:
        return keys
    return tuple(dict.fromkeys(max(key, 0) for key in keys))
