"""The forest from poll to poll: while nobody takes or leaves a lock it is built once.

A long queue mostly stands: to see that five hundred waiters are as they were takes a twentieth of working out
who waits for whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pgscope.analysis.locks.build import build_forest, unlocated
from pgscope.analysis.locks.edges import leaders
from pgscope.analysis.locks.forest import LockForest
from pgscope.sample import Poll


class Following:
    """A fold over polls."""

    def __init__(self) -> None:
        self._poll: Poll | None = None
        self._leaders: Mapping[int, int] = {}
        self._forest = LockForest(0.0)

    def forest(self, poll: Poll) -> LockForest:
        """The forest of a poll: as `build_forest` makes it, its nodes the same objects where they can be."""
        before, self._poll = self._poll, poll
        led, self._leaders = self._leaders, leaders(poll) if poll.locks else {}
        known = before is not None and bool(poll.locks)
        same = known and led == self._leaders and _locks(before) == _locks(poll)
        self._forest = self._renewed(poll) if same else build_forest(poll)
        return self._forest

    def _renewed(self, poll: Poll) -> LockForest:
        """The same waits; what their sessions show may be something else by now."""
        forest = self._forest
        nodes = forest.nodes
        if nodes:
            sessions = {session.pid: session for session in poll.sessions}
            changed = {
                key: replace(node, session=sessions.get(key))
                for key, node in nodes.items()
                if sessions.get(key) is not node.session
            }
            nodes = {**nodes, **changed} if changed else nodes
        return LockForest(poll.at, nodes, forest.tops, forest.cycles, unlocated(poll), forest.workers)


def _locks(poll: Poll | None) -> tuple[object, ...]:
    return (poll.locks, poll.blocking, poll.prepared) if poll is not None else ()
