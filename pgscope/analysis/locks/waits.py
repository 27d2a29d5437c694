"""A fold over samples: the forest of now, the waits that ended, the deadlocks, all waits of the watch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from pgscope.analysis.locks.deadlocks import Deadlock, Deadlocks
from pgscope.analysis.locks.follow import Following
from pgscope.analysis.locks.forest import LockForest, LockNode
from pgscope.analysis.locks.history import OpenWait, Party, WaitRecord, identity, party
from pgscope.analysis.locks.objects import LockObject
from pgscope.sample import Connected, Disconnected, Poll, Sample

_HISTORY = 500
"""Ended waits kept for the screen."""
_WINDOW = 20_000
"""Waits kept for the report; `dropped` counts those beyond."""

_Identity = tuple[int, "float | None", LockObject, str]


class LockWaits:
    """Fed with samples in order; `window` bounds how many waits are kept for the report."""

    def __init__(self, *, history: int = _HISTORY, window: int = _WINDOW) -> None:
        self._open: dict[_Identity, OpenWait] = {}
        self._ended: deque[WaitRecord] = deque(maxlen=window)
        self._history = history
        self._deadlocks = Deadlocks()
        self._since: dict[int, float] = {}
        self._following = Following()
        self._seen: set[_Identity] = set()
        """The waits of the forest."""
        self.forest = LockForest(0.0)
        """Who waits for whom, as of the last poll."""

    @property
    def history(self) -> tuple[WaitRecord, ...]:
        """The waits that ended last, the latest first."""
        kept = min(self._history, len(self._ended))
        return tuple(self._ended[len(self._ended) - 1 - place] for place in range(kept))

    @property
    def deadlocks(self) -> tuple[Deadlock, ...]:
        """Cycles seen, and rises of the server's count without a cycle seen; oldest first."""
        return self._deadlocks.all

    def window(self) -> tuple[WaitRecord, ...]:
        """Every wait of the watch, ended or going on, in the order in which they were first seen."""
        going_on = [wait.record(ended=False) for wait in self._open.values()]
        return tuple(sorted([*self._ended, *going_on], key=lambda record: record.first_seen))

    def since(self, pid: int) -> float | None:
        """When the wait of a backend or of a parallel worker of it began (epoch seconds); None if none waits.

        Also before the server has set `waitstart`.
        """
        return self._since.get(pid)

    def starts(self) -> Mapping[int, float]:
        """When each wait began, by the pid of the backend that waits; see `since`."""
        return self._since

    def feed(self, sample: Sample) -> None:
        """Take in a sample; only polls and connections say something here."""
        if isinstance(sample, Poll):
            self._poll(sample)
        elif isinstance(sample, Connected | Disconnected):
            self.forest = LockForest(sample.at)
            self._following, self._seen = Following(), set()
            self._end(self._seen, frozenset())
            self._deadlocks.restart()

    def _poll(self, poll: Poll) -> None:
        before, self.forest = self.forest, self._following.forest(poll)
        forest, seen = self.forest, self._seen
        if forest.nodes is before.nodes:
            for key in seen:
                self._open[key].still(poll.at)
        else:
            seen = self._seen = set()
            parties: dict[int, Party] = {}
            for node in forest.nodes.values():
                root = node.roots[0] if node.roots else None
                if root is not None and root not in parties:
                    parties[root] = party(forest, root)
                for place in range(len(node.waits)):
                    seen.add(self._see(node, place, parties[root] if root is not None else None))
        # With no locks at all they may not have been read: the sessions' own word counts then.
        unread = frozenset(forest.unlocated) if not poll.locks else frozenset[int]()
        for key, wait_open in self._open.items():
            if key not in seen and key[0] in unread:
                wait_open.still(poll.at)
        self._end(seen, unread)
        self._deadlocks.feed(forest, poll.databases)

    def _see(self, node: LockNode, place: int, root: Party | None) -> _Identity:
        """Take in a wait of the forest; returns what names it."""
        lock = node.waits[place].lock
        key = identity(node, lock)
        # Sessions are read before locks: one that came between has a lock and is not known yet.
        known = self._open.get(key) or self._open.pop((key[0], None, *key[2:]), None)
        if known is not None and known.is_same(lock):
            self._open[key] = known
            known.see(self.forest, node, place, root)
        else:
            if known is not None:
                self._keep(known)
            self._open[key] = OpenWait(self.forest, node, place, root)
        return key

    def _end(self, seen: set[_Identity], unread: frozenset[int]) -> None:
        for key in [key for key in self._open if key not in seen and key[0] not in unread]:
            self._keep(self._open.pop(key))
        self._since = {}
        for wait in self._open.values():
            for pid in wait.pids:
                self._since[pid] = min(wait.since, self._since.get(pid, wait.since))

    def _keep(self, wait: OpenWait) -> None:
        self._ended.append(wait.record(ended=True))
