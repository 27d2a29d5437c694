"""When to poll and when to look: as is wished, as far as both budgets allow."""

from __future__ import annotations

import math

from pgscope.capture.pace import Budget, Pace, next_look
from pgscope.capture.thrift import Thrift

SHORTEST_INTERVAL = 0.1
"""Seconds."""
_RESERVE = 0.15
"""Part of the budget for what is read once."""


class Rhythm:
    """What is wished, the paces that fit the server's budget and our own, and when the poll is due."""

    def __init__(
        self,
        interval: float = 1.0,
        sample_hz: float = 10.0,
        budget: float = 0.01,
        own_budget: float = math.inf,
    ) -> None:
        """As of `LiveSource`."""
        self.interval = interval
        """Seconds from one poll to the next that are wished."""
        self.resting = False
        """Whether looks are left out."""
        self.budget = budget
        self.samples = sample_hz > 0
        """Whether there are looks at all."""
        self.poll_due = 0.0
        """When the poll is due or was begun, mono."""
        self._fastest = 1.0 / sample_hz if self.samples else 0.1
        self._slowest = max(0.5, self._fastest)
        self._thrift = Thrift(own_budget, self._fastest, self._slowest)
        self.begin()

    def begin(self) -> None:
        """What polls and looks cost over the connection before says nothing any more."""
        self._pace = Pace(Budget(self.budget, self._fastest, self._slowest, reserve=_RESERVE))

    @property
    def wished(self) -> float:
        """Seconds from one poll to the next that may be wished."""
        return max(self.interval, SHORTEST_INTERVAL)

    @property
    def poll_period(self) -> float:
        """Seconds from one poll to the next."""
        wished = self.wished
        return max(self._pace.poll_period(wished), wished * self._thrift.stretch)

    @property
    def hz(self) -> float:
        """Looks each second, polls counted where they stand for one; 0 while there are none."""
        return min(self._pace.hz, 1.0 / self._thrift.period) if self.samples and not self.resting else 0.0

    @property
    def throttled(self) -> str:
        """Why looks or polls are rarer than wished, in one line; '' if they are not."""
        return self._pace.throttled or self._thrift.said

    def spent(self, now: float) -> None:
        """It is `now` (mono): see what this process took."""
        self._thrift.feed(now)

    def polled(self, server_ms: float) -> None:
        """What a poll is taken to have cost."""
        self._pace.polled(server_ms, self.wished)

    def looked(self, server_ms: float) -> None:
        """What a look cost."""
        self._pace.looked(server_ms)

    def next_look(self, looked: float) -> float:
        """When to look again after a look that began then (mono)."""
        return next_look(looked, max(self._pace.period, self._thrift.period), self.poll_due, self.poll_period)
