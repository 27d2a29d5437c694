"""How often to look: as often as wished while it fits the budget, slower where looks cost more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_MEMORY = 21
"""Looks (and polls) of which the cost is remembered."""
_EASE = 0.9
"""Largest step back towards the wished period at one look, so that it does not swing."""


@dataclass(frozen=True)
class Budget:
    """What pgscope may cost the server, as a part of one core, and the bounds of a task's rate.

    Periods in seconds. Out of budget the period may grow past `slowest_wanted`, up to `slowest`.
    """

    fraction: float = 0.01
    fastest: float = 0.1
    slowest_wanted: float = 0.5
    slowest: float = 10.0


class Pace:
    """A fold over measured costs: gives the time to wait until the next look.

    It shares its budget with the slow poll: what the poll takes is not there for looks.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._looks: deque[float] = deque(maxlen=_MEMORY)
        self._polls: deque[float] = deque(maxlen=_MEMORY)
        self._period = self._budget.fastest

    @property
    def period(self) -> float:
        """Seconds from one look to the next."""
        return self._period

    @property
    def hz(self) -> float:
        """Looks each second."""
        return 1.0 / self._period

    @property
    def throttled(self) -> str:
        """Why looks are rarer than wished, in one line; '' if they are not."""
        if self._period <= self._budget.fastest * 1.05:
            return ""
        percent = self._budget.fraction * 100.0
        return (
            f"sampling at {self.hz:.1f} Hz: a look costs {_usual(self._looks):.1f} ms of the server's time, "
            f"the budget is {percent:g}% of a core"
        )

    @property
    def over_budget(self) -> bool:
        """Whether even the slowest rate that is still useful costs more than the budget."""
        return self._period > self._budget.slowest_wanted * 1.05

    def polled(self, server_ms: float, seconds: float) -> None:
        """What the slow poll cost, and over how long a time (s)."""
        if seconds > 0:
            self._polls.append(max(server_ms, 0.0) / 1000.0 / seconds)

    def looked(self, server_ms: float) -> float:
        """What a look cost in ms of server time; returns the new period in seconds."""
        self._looks.append(max(server_ms, 0.0))
        self._period = max(self._wished(), self._period * _EASE)
        return self._period

    def _wished(self) -> float:
        budget = self._budget
        seconds = _usual(self._looks) / 1000.0
        left = budget.fraction - _usual(self._polls)
        needed = seconds / left if left > 0 else budget.slowest
        if needed <= budget.slowest_wanted:
            return max(needed, budget.fastest)
        # Below the useful rate only where looks by themselves, apart from the poll, break the budget.
        alone = seconds / budget.fraction if budget.fraction > 0 else budget.slowest
        return min(max(alone, budget.slowest_wanted), budget.slowest)


def _usual(costs: deque[float]) -> float:
    """The lower quartile: times are measured by the clock, and on a busy machine most are spent waiting."""
    return sorted(costs)[len(costs) // 4] if costs else 0.0
