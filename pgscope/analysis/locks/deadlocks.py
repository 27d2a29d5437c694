"""Deadlocks: cycles that were seen, and rises of the server's own count for those that were not."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from pgscope.analysis.locks.forest import Cycle, LockForest
from pgscope.analysis.locks.history import Party, party
from pgscope.analysis.locks.objects import describe
from pgscope.dataclass import dataclass
from pgscope.sample import DatabaseCounters

_REMEMBERED = 100
_LATE = 30.0
"""Seconds after which a rise of the count no longer belongs to a cycle that ended; statistics come late."""


@dataclass(frozen=True)
class Deadlock:
    """Sessions that waited for each other, or, with no members, a rise of the count between two looks."""

    database: str
    members: tuple[Party, ...]
    """In the order of waiting, each for the next; empty if the cycle came and went unseen."""
    waits: tuple[str, ...]
    """For each member, what it waited for."""
    first_seen: float
    """Epoch seconds, by the server's clock."""
    last_seen: float
    going_on: bool
    certain: bool
    """Whether only the server could end it: all locks were held, or its count of deadlocks rose."""
    count: int = 1
    """How many deadlocks this stands for."""


_Members = frozenset[tuple[int, "float | None"]]


@dataclass
class _Entry:
    members: _Members
    deadlock: Deadlock
    counted: bool
    """Whether a rise of the server's count was put down to it."""


class Deadlocks:
    """A fold over forests and counters of databases."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=_REMEMBERED)
        self._counts: dict[int, tuple[int, float | None]] = {}

    @property
    def all(self) -> tuple[Deadlock, ...]:
        """Those remembered, oldest first."""
        return tuple(entry.deadlock for entry in self._entries)

    def restart(self) -> None:
        """The connection was lost: counts may have begun anew, and cycles have ended since."""
        self._counts.clear()
        self._end(set())

    def feed(self, forest: LockForest, databases: Sequence[DatabaseCounters]) -> None:
        """Take in a look."""
        going_on: set[_Members] = set()
        for cycle in forest.cycles:
            parties = tuple(party(forest, key) for key in cycle.members)
            members = frozenset((one.pid, one.backend_start) for one in parties)
            going_on.add(members)
            self._cycle(forest, cycle, members, parties)
        self._end(going_on)
        for row in databases:
            self._count(forest.at, row)

    def _cycle(self, forest: LockForest, cycle: Cycle, members: _Members, parties: tuple[Party, ...]) -> None:
        for entry in self._entries:
            if entry.members == members and entry.deadlock.going_on:
                certain = entry.deadlock.certain or cycle.hard
                entry.deadlock = replace(entry.deadlock, last_seen=forest.at, certain=certain)
                return
        waits = tuple(
            describe(wait.lock) if (wait := forest.nodes[key].wait) else "" for key in cycle.members
        )
        database = next((one.database for one in parties if one.database), "")
        deadlock = Deadlock(database, parties, waits, forest.at, forest.at, True, cycle.hard)
        self._entries.append(_Entry(members, deadlock, False))

    def _end(self, going_on: set[_Members]) -> None:
        for entry in self._entries:
            if entry.deadlock.going_on and entry.members not in going_on:
                entry.deadlock = replace(entry.deadlock, going_on=False)

    def _count(self, at: float, row: DatabaseCounters) -> None:
        before = self._counts.get(row.datid)
        self._counts[row.datid] = (row.deadlocks, row.stats_reset)
        if before is None:
            return
        # Reset between the looks (or counted for the first time), all that it counts happened since then.
        unseen = row.deadlocks - (before[0] if before[1] == row.stats_reset else 0)
        if unseen <= 0:
            return
        for entry in self._entries:
            # Each cycle accounts for one rise; the oldest is counted first.
            recent = at - entry.deadlock.last_seen <= _LATE
            if unseen > 0 and recent and not entry.counted and entry.deadlock.database == row.database:
                entry.counted = True
                entry.deadlock = replace(entry.deadlock, certain=True)
                unseen -= 1
        if unseen:
            deadlock = Deadlock(row.database, (), (), at, at, False, True, unseen)
            self._entries.append(_Entry(frozenset(), deadlock, True))
