"""What this process itself may take of its own machine: past that looks grow rarer, and at last polls."""

from __future__ import annotations

import time
from collections.abc import Callable

_JUDGED_OVER = 5.0
"""Seconds."""
_FULL = 0.95
"""Part of what it may take that is aimed at where it would take more."""
_CALM = 0.85
"""Part of what it may take below which looks may come closer again: between the two they stay as they are."""
_EASE = 0.9
_STEP = 1.5
"""Largest change of the period at once, down and up: a single share is the mean of a few seconds only."""
_PATIENCE = 150.0
"""Seconds over it, with looks as rare as may be, before polls grow rarer: finding things rests by then."""
_STRETCH_STEP = 1.2
_STRETCH_MOST = 10.0


class Thrift:
    """A fold over moments: gives the least time between two looks, and between two polls."""

    def __init__(
        self,
        fraction: float,
        fastest: float,
        slowest: float,
        spent: Callable[[], float] = time.process_time,
    ) -> None:
        """`fraction` of a core of this machine is what all of the process may take.

        `fastest` and `slowest` bound the time between looks, in seconds; `spent` says the CPU time so far.
        """
        self._fraction = fraction
        self._fastest = fastest
        self._slowest = slowest
        self._spent = spent
        self._before: tuple[float, float] | None = None
        self._share = 0.0
        self._over = 0.0
        self.period = fastest
        """Seconds from one look to the next, at the least."""
        self.stretch = 1.0
        """How many times as long as is wished it is from one poll to the next, at the least."""

    @property
    def said(self) -> str:
        """Why looks are rarer than wished, in one line; '' if they are not."""
        if self.period <= self._fastest * 1.05 and self.stretch <= 1.05:
            return ""
        rarer = f" and polling {self.stretch:.1f} times as rarely" if self.stretch > 1.05 else ""
        return (
            f"sampling at {1.0 / self.period:.1f} Hz{rarer}: pgscope itself takes"
            f" {100 * self._share:.1f}% of a core of its own machine, and may take {100 * self._fraction:g}%"
        )

    def feed(self, now: float) -> None:
        """It is `now` (monotonic seconds)."""
        spent = self._spent()
        if self._before is None:
            self._before = (now, spent)
            return
        seconds = now - self._before[0]
        if seconds < _JUDGED_OVER:
            return
        self._share = (spent - self._before[1]) / seconds
        self._before = (now, spent)
        if self._share > _FULL * self._fraction:
            self._slow_down(self._share / (_FULL * self._fraction), seconds)
        elif self.stretch == 1.0:
            self._over = 0.0
        if self._share < _CALM * self._fraction:
            if self.stretch > 1.0:
                self.stretch = max(self.stretch * _EASE, 1.0)
            else:
                self.period = max(self.period * _EASE, self._fastest)

    def _slow_down(self, factor: float, seconds: float) -> None:
        if self.period < self._slowest:
            self.period = min(self.period * min(factor, _STEP), self._slowest)
            return
        self._over += seconds
        if self._over >= _PATIENCE:
            self.stretch = min(self.stretch * min(factor, _STRETCH_STEP), _STRETCH_MOST)
