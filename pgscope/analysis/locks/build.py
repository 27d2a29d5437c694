"""Building the forest of lock waits from a poll."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgscope.analysis.locks.conflicts import conflict
from pgscope.analysis.locks.edges import Keys, Wait, find_waits
from pgscope.analysis.locks.forest import Cycle, LockForest, LockNode
from pgscope.analysis.locks.graph import Reach, components
from pgscope.analysis.locks.objects import LockObject, object_of
from pgscope.sample import Lock, Poll


def build_forest(poll: Poll) -> LockForest:
    """The forest of a poll; an empty one if nobody waits."""
    unseen = unlocated(poll)
    if all(lock.granted for lock in poll.locks):
        return LockForest(poll.at, unlocated=unseen)
    keys = Keys(poll)
    waits: dict[int, list[Wait]] = {}
    workers = {}
    for wait in find_waits(poll, keys):
        key = keys.of(wait.lock)
        waits.setdefault(key, []).append(wait)
        if key != wait.pid:
            workers[wait.pid] = key
    for found in waits.values():
        found.sort(key=lambda wait: (wait.lock.waitstart is None, wait.lock.waitstart or 0.0, wait.pid))
    forest = _Builder(poll, keys, waits).build()
    return LockForest(poll.at, forest.nodes, forest.tops, forest.cycles, unseen, workers)


def unlocated(poll: Poll) -> tuple[int, ...]:
    """Pids of sessions that say they wait for a lock but have no row that is not granted."""
    located = {lock.pid for lock in poll.locks if not lock.granted}
    return tuple(
        session.pid
        for session in poll.sessions
        if session.wait_event_type == "Lock" and session.pid not in located
    )


class _Builder:
    """Places the nodes of one poll."""

    def __init__(self, poll: Poll, keys: Keys, waits: Mapping[int, Sequence[Wait]]) -> None:
        self._poll = poll
        self._waits = waits
        self._keys = keys
        links: dict[int, list[int]] = {key: [] for key in waits}
        for key, own in waits.items():
            for wait in own:
                for blocker in wait.links:
                    links[key].append(blocker)
        for key in [blocker for blockers in links.values() for blocker in blockers]:
            links.setdefault(key, [])
        self._links = links
        self._groups = components(links)
        self._reach = Reach(links, self._groups)
        self._behind = {key: self._reach.behind(key) for key in links}
        self._cycle_of: dict[int, int] = {}
        self._parents: dict[int, tuple[int, bool]] = {}
        self._depths: dict[int, int] = {}

    def build(self) -> LockForest:
        cycles: list[Cycle] = []
        ends: list[int] = []
        for group in self._groups:
            if len(group) > 1:
                self._cycle_of.update(dict.fromkeys(group, len(cycles)))
                cycles.append(self._cycle(group))
            if not self._place(group):
                ends += [key for key in group if key not in self._parents]
        ends.sort(key=self._rank)
        among = self._reach.mask(ends)
        children: dict[int, list[int]] = {key: [] for key in self._links}
        for key, (above, _) in self._parents.items():
            children[above].append(key)
        holds = self._holds()
        sessions = {session.pid: session for session in self._poll.sessions}
        prepared = {-one.transaction: one for one in self._poll.prepared}
        nodes = {}
        for key in self._links:
            parent, hard = self._parents.get(key) or (None, False)
            waits = tuple(self._waits.get(key, ()))
            nodes[key] = LockNode(
                key,
                sessions.get(key),
                prepared.get(key),
                waits,
                tuple(holds.get(key, ())),
                parent,
                hard,
                tuple(sorted(children[key], key=self._rank)),
                self._depths[key],
                self._behind[key],
                tuple(sorted(self._reach.above(key, among), key=self._rank)) if waits else (),
                self._cycle_of.get(key),
            )
        return LockForest(self._poll.at, nodes, tuple(ends), tuple(cycles))

    def _rank(self, key: int) -> tuple[int, float, int]:
        waits = self._waits.get(key)
        since = waits[0].lock.waitstart if waits else None
        return (-self._behind[key], since if since is not None else float("inf"), key)

    def _place(self, group: tuple[int, ...]) -> bool:
        """Put a group under blockers outside of it; False if there are none: it stands at the top."""
        inside = set(group)
        outside = False
        for key in group:
            choice = self._choice(key, inside)
            if choice is not None:
                outside = True
                self._parents[key] = choice
                self._depths[key] = self._depths[choice[0]] + 1
        if not outside:
            self._depths.update(dict.fromkeys(group, 0))
            return False
        # Of a cycle that also waits for somebody else, the other members go under those placed.
        left = [key for key in group if key not in self._parents]
        while left:
            for key in left:
                inner = self._choice(key, set(left) | {key})
                if inner is not None:
                    self._parents[key] = inner
                    self._depths[key] = self._depths[inner[0]] + 1
            left = [key for key in left if key not in self._parents]
        return True

    def _choice(self, key: int, shunned: set[int]) -> tuple[int, bool] | None:
        """The blocker to stand under (a holder before one ahead, then who blocks most), and if it holds."""
        waits = self._waits.get(key, ())
        for hard in (True, False):
            blockers = [
                blocker
                for wait in waits
                for blocker in (wait.hard if hard else wait.soft)
                if blocker not in shunned
            ]
            if blockers:
                return min(blockers, key=lambda blocker: (-self._behind[blocker], blocker)), hard
        return None

    def _cycle(self, group: tuple[int, ...]) -> Cycle:
        inside = set(group)
        hard = all(
            any(blocker in inside for wait in self._waits[key] for blocker in wait.hard) for key in group
        )
        return Cycle(_in_order(group, self._links), hard)

    def _holds(self) -> dict[int, list[Lock]]:
        """The granted locks that stand in somebody's way, by holder."""
        minded: dict[int, set[tuple[LockObject, str]]] = {}
        for own in self._waits.values():
            for wait in own:
                wanted = (object_of(wait.lock), wait.lock.mode)
                for blocker in wait.hard:
                    minded.setdefault(blocker, set()).add(wanted)
        found: dict[int, list[Lock]] = {}
        for lock in self._poll.locks:
            if lock.granted and (key := self._keys.of(lock)) in minded:
                thing = object_of(lock)
                if any(thing == other and conflict(lock.mode, mode) for other, mode in minded[key]):
                    found.setdefault(key, []).append(lock)
        return found


def _in_order(group: tuple[int, ...], links: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    """The members so that each waits for the next, as far as one walk goes; then the rest."""
    inside = set(group)
    walk = [group[0]]
    seen = {group[0]}
    while True:
        following = next((b for b in links[walk[-1]] if b in inside and b not in seen), None)
        if following is None:
            return (*walk, *(key for key in group if key not in seen))
        walk.append(following)
        seen.add(following)
