"""The shortest round trip of late."""

from __future__ import annotations

import math

LATELY = 300.0
"""Seconds that a round trip counts at the least; at the most twice as long."""


class Shortest:
    """A minimum that forgets: the way to the server may be another now, and its clock may have been set."""

    def __init__(self) -> None:
        self._since = -math.inf
        self._now = self._before = math.inf

    def note(self, ms: float, mono: float) -> None:
        """Take one, measured at `mono`; 0 where it was not."""
        if ms <= 0:
            return
        if mono - self._since >= LATELY:
            self._since, self._before, self._now = mono, self._now, math.inf
        self._now = min(self._now, ms)

    def forget(self) -> None:
        """It is another connection."""
        self._since = -math.inf
        self._now = self._before = math.inf

    @property
    def ms(self) -> float:
        """The shortest; 0 where there is none."""
        shortest = min(self._now, self._before)
        return shortest if math.isfinite(shortest) else 0.0
