"""What this process itself may take of its own machine: past that, looks of the sampler grow rarer."""

from __future__ import annotations

import time
from collections.abc import Callable

_JUDGED_OVER = 5.0
"""Seconds."""
_CALM = 0.85
"""Part of what it may take below which looks may come closer again: between the two they stay as they are."""
_EASE = 0.9
_STEP = 1.5
"""Largest change of the period at once, down and up: a single share is the mean of a few seconds only."""


class Thrift:
    """A fold over moments: gives the least time between two looks."""

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
        self.period = fastest
        """Seconds from one look to the next, at the least."""

    @property
    def said(self) -> str:
        """Why looks are rarer than wished, in one line; '' if they are not."""
        if self.period <= self._fastest * 1.05:
            return ""
        return (
            f"sampling at {1.0 / self.period:.1f} Hz: pgscope itself takes {100 * self._share:.1f}% of a core"
            f" of its own machine, and may take {100 * self._fraction:g}%"
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
        if self._share > self._fraction:
            factor = min(self._share / self._fraction, _STEP)
        else:
            factor = _EASE if self._share < _CALM * self._fraction else 1.0
        self.period = min(max(self.period * factor, self._fastest), self._slowest)
