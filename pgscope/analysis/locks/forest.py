"""The forest of lock waits: roots block and wait for nobody, under them those who wait because of them.

Each session stands in it once, under the blocker that holds it up most directly; its other blockers are named
beside it. So counts never double, and a long queue is a flat list and not a ladder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from pgscope.analysis.locks.edges import Wait
from pgscope.dataclass import dataclass
from pgscope.sample import Lock, PreparedTransaction, Session


@dataclass(frozen=True)
class LockNode:
    """A session (with its parallel workers) or a prepared transaction that waits or is waited for."""

    key: int
    """Its pid; for a prepared transaction -xid, or 0 if that is not known."""
    session: Session | None
    """None for a prepared transaction, or if the session was not in the poll."""
    prepared: PreparedTransaction | None
    waits: tuple[Wait, ...]
    """What it waits for, the longest first: none for a root, several if parallel workers wait too."""
    holds: tuple[Lock, ...]
    """The locks it has that others wait for; not those that nobody minds."""
    parent: int | None
    """The node it stands under; None at the top."""
    hard: bool
    """Whether the parent holds a lock, as against standing ahead in the queue."""
    children: tuple[int, ...]
    """Those that stand under it: the ones with the most behind them first, then the longest wait."""
    depth: int
    """Steps from the top, 0 there."""
    behind: int
    """Sessions that wait because of it, at however many removes; each counts once."""
    roots: tuple[int, ...]
    """Roots (or members of a cycle) at the end of its waits, the most behind first; a root has none."""
    cycle: int | None
    """Place in `LockForest.cycles` of the cycle it is part of."""

    @property
    def pid(self) -> int:
        """As pg_blocking_pids has it: 0 for a prepared transaction."""
        return max(self.key, 0)

    @property
    def wait(self) -> Wait | None:
        """The wait to show: the longest."""
        return self.waits[0] if self.waits else None

    @property
    def others(self) -> tuple[int, ...]:
        """Keys of the direct blockers besides the parent, hard ones first."""
        return tuple(key for key in self.hard_blockers + self.soft_blockers if key != self.parent)

    @property
    def hard_blockers(self) -> tuple[int, ...]:
        """Keys of those that hold what it waits for."""
        if len(self.waits) == 1:
            return self.waits[0].hard
        return tuple(dict.fromkeys(key for wait in self.waits for key in wait.hard))

    @property
    def soft_blockers(self) -> tuple[int, ...]:
        """Keys of those that only stand ahead of it."""
        if len(self.waits) == 1:
            return self.waits[0].soft
        hard = set(self.hard_blockers)
        keys = dict.fromkeys(key for wait in self.waits for key in wait.soft)
        return tuple(key for key in keys if key not in hard)


@dataclass(frozen=True)
class Cycle:
    """Sessions that wait for each other in a circle."""

    members: tuple[int, ...]
    """In the order of waiting: each waits for the next, the last for the first, if one circle holds all."""
    hard: bool
    """Whether each waits for a lock that another holds; else the server can end it by rearranging a queue."""


@dataclass(frozen=True)
class LockForest:
    """Who waits for whom at one moment."""

    at: float
    """Server's clock, epoch seconds."""
    nodes: Mapping[int, LockNode] = field(default_factory=dict)
    tops: tuple[int, ...] = ()
    """Keys of what has no parent, the most behind first: roots, members of cycles that wait for nobody else,
    and waiters whose blocker could not be seen."""
    cycles: tuple[Cycle, ...] = ()
    unlocated: tuple[int, ...] = ()
    """Pids of sessions that said they wait for a lock but had no row in pg_locks: the wait has just ended."""
    workers: Mapping[int, int] = field(default_factory=dict)
    """Leaders of the parallel workers that wait."""

    @property
    def roots(self) -> tuple[LockNode, ...]:
        """Those that block and wait for nobody, the most behind first."""
        return tuple(self.nodes[key] for key in self.tops if not self.nodes[key].waits)

    @property
    def waiting(self) -> int:
        """How many sessions wait; each counts once."""
        return sum(1 for node in self.nodes.values() if node.waits)

    def waiters(self) -> frozenset[int]:
        """Their pids."""
        return frozenset(key for key, node in self.nodes.items() if node.waits)

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def lines(self) -> Iterator[LockNode]:
        """All nodes from the top down, each followed by what stands under it."""
        stack = list(reversed(self.tops))
        while stack:
            node = self.nodes[stack.pop()]
            yield node
            stack.extend(reversed(node.children))

    def node(self, pid: int) -> LockNode | None:
        """The node of a backend, also of a parallel worker; None if it neither waits nor blocks."""
        return self.nodes.get(self.workers.get(pid, pid))

    def root_of(self, pid: int) -> LockNode | None:
        """The root of a waiter with the most behind it; itself for what is at the top; None if unknown."""
        node = self.node(pid)
        if node is None or not node.roots:
            return node
        return self.nodes[node.roots[0]]

    def held_up(self, key: int, most: int) -> tuple[int, ...]:
        """Pids of backends that wait for this node and nobody between, at most so many."""
        waits = (wait for node in self.nodes.values() for wait in node.waits if key in wait.blockers)
        return tuple(wait.pid for wait, _ in zip(waits, range(most), strict=False))

    def under(self, key: int) -> tuple[LockNode, ...]:
        """Every node that waits because of this one, whatever it stands under, in the order of `lines`."""
        reached = {key}
        waiters: dict[int, list[int]] = {}
        for node in self.nodes.values():
            for wait in node.waits:
                for blocker in wait.links:
                    waiters.setdefault(blocker, []).append(node.key)
        stack = [key]
        while stack:
            for other in waiters.get(stack.pop(), ()):
                if other not in reached:
                    reached.add(other)
                    stack.append(other)
        return tuple(node for node in self.lines() if node.key in reached and node.key != key)
