"""From rows of pg_locks to who waits for whom: hard (holds a conflicting lock), soft (ahead in the queue).

pg_blocking_pids is the truth for those it was asked of. The others of a long queue are worked out here as the
server does it: holders from the table of conflicts, and the order of the queue from `waitstart` and from what
was said of those asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from pgscope.analysis.locks.conflicts import conflict, conflicting
from pgscope.analysis.locks.objects import LockObject, object_of
from pgscope.dataclass import dataclass
from pgscope.sample import Lock, Poll

UNKNOWN_PREPARED = 0
"""Key of a prepared transaction that cannot be told from others."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One backend's wait for one lock. `hard` and `soft` are keys of nodes, each in one of them only."""

    pid: int
    """The backend that waits: the node's own, or a parallel worker of it."""
    lock: Lock
    hard: tuple[int, ...]
    soft: tuple[int, ...]
    exact: bool
    """Whether pg_blocking_pids was asked, as against worked out."""
    nearest: tuple[int, ...]
    """Of `soft`, those through whom all the others are reached."""

    @property
    def blockers(self) -> tuple[int, ...]:
        """All blockers, hard ones first."""
        return self.hard + self.soft

    @property
    def links(self) -> tuple[int, ...]:
        """The blockers that a walk through the graph needs."""
        return self.hard + self.nearest


@dataclass
class _Queue:
    """The holders of one object and those who wait for it, the waiters by the time they began to."""

    held: dict[str, list[int]] = field(default_factory=dict)
    waiting: list[Lock] = field(default_factory=list)


def leaders(poll: Poll) -> Mapping[int, int]:
    """Whose locks the parallel workers have; a parallel apply worker has its own."""
    return {
        session.pid: session.leader_pid
        for session in poll.sessions
        if session.leader_pid and session.backend_type == "parallel worker"
    }


class Keys:
    """Names nodes: sessions by pid, parallel workers by their leader's, prepared transactions by -xid."""

    def __init__(self, poll: Poll) -> None:
        self._leaders = leaders(poll)
        prepared = {one.transaction for one in poll.prepared}
        # A prepared transaction keeps the virtual id of the session that made it, and locks its own xid.
        self._prepared = {
            lock.virtualtransaction: lock.transactionid
            for lock in poll.locks
            if lock.pid == 0 and lock.locktype == "transactionid" and lock.transactionid in prepared
        }

    def of(self, lock: Lock) -> int:
        """The node that a row of pg_locks belongs to."""
        if lock.pid:
            return self.session(lock.pid)
        xid = self._prepared.get(lock.virtualtransaction)
        return -xid if xid else UNKNOWN_PREPARED

    def session(self, pid: int) -> int:
        """The node that a backend belongs to."""
        return self._leaders.get(pid, pid)


def find_waits(poll: Poll, keys: Keys) -> list[Wait]:
    """All waits of the poll, each with its blockers."""
    queues = _queues(poll.locks, keys)
    said = {one.pid: one.blocked_by for one in poll.blocking if one.blocked_by}
    found = []
    for queue in queues.values():
        if queue.waiting:
            found += _Solver(queue, keys, said).waits()
    return found


def _queues(locks: Iterable[Lock], keys: Keys) -> dict[LockObject, _Queue]:
    queues: dict[LockObject, _Queue] = {}
    for lock in locks:
        queue = queues.setdefault(object_of(lock), _Queue())
        if lock.granted:
            queue.held.setdefault(lock.mode, []).append(keys.of(lock))
        else:
            queue.waiting.append(lock)
    for queue in queues.values():
        # The server sets waitstart a moment after it has queued: who has none yet came last.
        queue.waiting.sort(key=lambda lock: (lock.waitstart is None, lock.waitstart or 0.0, lock.pid))
    return queues


@dataclass(frozen=True, slots=True)
class _Rivals:
    """The waiters that conflict with one mode, in the order of the queue."""

    keys: tuple[int, ...]
    before: tuple[int, ...]
    """For each place of the queue, how many of `keys` stand ahead of it."""
    plain: bool
    """Whether each key is in once and none also holds a conflicting lock: then `keys` needs no sifting."""


class _Solver:
    """Works out the waits of one queue."""

    def __init__(self, queue: _Queue, keys: Keys, said: Mapping[int, tuple[int, ...]]) -> None:
        self._queue = queue
        self._keys = keys
        self._said = {lock.pid: frozenset(said[lock.pid]) for lock in queue.waiting if lock.pid in said}
        self._order = said
        self._holders: dict[str, list[int]] = {}
        self._rivals = {mode: self._rivals_of(mode) for mode in {lock.mode for lock in queue.waiting}}
        self._asked = [(place, lock) for place, lock in enumerate(queue.waiting) if lock.pid in self._said]
        self._last: dict[str, Wait] = {}

    def waits(self) -> list[Wait]:
        """Each waiter's wait, in the order of the queue."""
        return [self._wait(place, lock) for place, lock in enumerate(self._queue.waiting)]

    def _wait(self, place: int, lock: Lock) -> Wait:
        me = self._keys.of(lock)
        holders = self._holders_against(lock.mode)
        if lock.pid in self._said:
            blockers = _without(me, self._named(self._order[lock.pid], holders))
            standing, waiting = set(holders), set(self._rivals[lock.mode].keys)
            # One that is neither seen to hold nor to wait got the lock a moment ago.
            hard = tuple(key for key in blockers if key in standing or key not in waiting)
            soft = tuple(key for key in blockers if key not in hard)
            wait = Wait(lock.pid, lock, hard, soft, True, soft)
            self._last[lock.mode] = wait
            return wait
        hard = tuple(_without(me, holders))
        soft, by_time = self._soft(place, lock, me, hard)
        wait = Wait(lock.pid, lock, hard, soft, False, self._nearest(lock.mode, soft) if by_time else soft)
        if by_time:
            self._last[lock.mode] = wait
        return wait

    def _soft(self, place: int, lock: Lock, me: int, hard: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
        """Who stands ahead, by time of arrival and by what was said of those asked; and if by time alone."""
        rivals = self._rivals[lock.mode]
        wrong, missing = self._corrections(place, lock, me)
        ahead = rivals.keys[: rivals.before[place]]
        if rivals.plain and not (wrong or missing):
            return ahead, True
        kept = [key for key in (*ahead, *missing) if key not in wrong and key not in hard]
        return tuple(_without(me, kept)), False

    def _corrections(self, place: int, lock: Lock, me: int) -> tuple[set[int], list[int]]:
        """Those asked that stand ahead of `lock` by time but not in truth, and the other way round."""
        wrong: set[int] = set()
        missing: list[int] = []
        for there, other in self._asked:
            key = self._keys.of(other)
            # Who also holds a conflicting lock may be named for that, and not for its place.
            if key == me or not conflict(lock.mode, other.mode) or me in self._holders_against(other.mode):
                continue
            i_am_ahead = me in self._said[other.pid]
            if i_am_ahead and there < place:
                wrong.add(key)
            elif not i_am_ahead and there > place:
                missing.append(key)
        return wrong, missing

    def _nearest(self, mode: str, soft: tuple[int, ...]) -> tuple[int, ...]:
        """The part of a queue's front that the one before us, in the same mode, does not reach."""
        before = self._last.get(mode)
        if before is None or not conflict(mode, mode):
            return soft
        key = self._keys.of(before.lock)
        if key not in soft:
            return soft
        place = soft.index(key)
        if before.exact:
            reached = set(before.blockers)
            return (*(one for one in soft[:place] if one not in reached), *soft[place:])
        return soft[place:]

    def _rivals_of(self, mode: str) -> _Rivals:
        keys: list[int] = []
        before = []
        for lock in self._queue.waiting:
            before.append(len(keys))
            if conflict(mode, lock.mode):
                keys.append(self._keys.of(lock))
        distinct = set(keys)
        plain = len(distinct) == len(keys) and distinct.isdisjoint(self._holders_against(mode))
        return _Rivals(tuple(keys), tuple(before), plain)

    def _named(self, said: Sequence[int], holders: Sequence[int]) -> list[int]:
        """Keys for what pg_blocking_pids said, where 0 stands for every prepared transaction that holds."""
        keys: list[int] = []
        for pid in said:
            prepared = [key for key in holders if key <= 0] or [UNKNOWN_PREPARED]
            keys += prepared if pid == 0 else [self._keys.session(pid)]
        return keys

    def _holders_against(self, mode: str) -> list[int]:
        if mode not in self._holders:
            against = conflicting(mode)
            self._holders[mode] = _once(
                key for held, keys in self._queue.held.items() if held in against for key in keys
            )
        return self._holders[mode]


def _once(keys: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(keys))


def _without(me: int, keys: Iterable[int]) -> list[int]:
    return [key for key in _once(keys) if key != me]
