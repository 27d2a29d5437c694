"""What each statement did, over a sliding window and over the whole watch."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping

from pgscope.analysis.counters import NOTHING, Counts
from pgscope.sample import StatementKey


class StatementTotals:
    """A fold over the deltas of ticks. The window is the difference of two sums: cheap to keep."""

    def __init__(self) -> None:
        self._ever: dict[StatementKey, Counts] = {}
        self._before: dict[StatementKey, Counts] = {}
        self._ticks: deque[dict[StatementKey, Counts]] = deque()
        self._in_window: dict[StatementKey, int] = {}

    def add(self, deltas: Mapping[StatementKey, Counts], keep: int) -> None:
        """A tick's deltas; the window reaches back over `keep` ticks."""
        ever = self._ever
        after: dict[StatementKey, Counts] = {}
        for key, delta in deltas.items():
            old = ever.get(key)
            ever[key] = after[key] = delta if old is None else old.plus(delta)
            self._in_window[key] = self._in_window.get(key, 0) + 1
        self._ticks.append(after)
        while len(self._ticks) > keep:
            for key, counts in self._ticks.popleft().items():
                self._before[key] = counts
                self._in_window[key] -= 1
                if not self._in_window[key]:
                    del self._in_window[key]

    def keys(self, *, window: bool) -> Iterable[StatementKey]:
        """Statements that did something."""
        return self._in_window if window else self._ever

    def counts(self, key: StatementKey, *, window: bool) -> Counts:
        """What a statement did."""
        ever = self._ever.get(key, NOTHING)
        return ever.minus(self._before.get(key, NOTHING)) if window else ever

    def __len__(self) -> int:
        return len(self._ever)

    def forget_all_but(self, keep: Container[StatementKey]) -> None:
        """Drop the sums of all others, but for those in the window."""
        gone = [key for key in self._ever if key not in keep and key not in self._in_window]
        for key in gone:
            del self._ever[key]
            self._before.pop(key, None)

    def brief(self, key: StatementKey, *, window: bool) -> tuple[float, float, float]:
        """Calls, blocks visited, and seconds of execution: what attribution needs for every statement."""
        ever, before = self._ever.get(key, NOTHING), self._before.get(key, NOTHING) if window else NOTHING
        return (
            max(ever.calls - before.calls, 0.0),
            max(ever.shared_hit + ever.shared_read - before.shared_hit - before.shared_read, 0.0),
            max(ever.exec_time - before.exec_time, 0.0) / 1000.0,
        )
