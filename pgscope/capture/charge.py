"""What pgscope's round trips cost the server's processor, from what its clock says of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from pgscope.capture.pace import MEMORY, usual

OUTSIDE_MS = 0.25
"""Of a round trip, before the first reading of the clock and after the last: parameters, starting and ending
the executor, sending. Measured against /proc on 14, 16 and 18: 0.20 to 0.28 ms."""


class Charges:
    """A fold over round trips: what each is taken to have cost.

    The clock runs on while the backend waits for a processor, on a busy machine for longer than it works. So
    each is charged what its kind costs when it is not kept waiting.
    """

    def __init__(self) -> None:
        self._recent: dict[Hashable, deque[float]] = {}

    def of(self, kind: Hashable, clock_ms: float) -> float:
        """Processor time in ms of a round trip of this kind that took so long by the server's clock."""
        recent = self._recent.setdefault(kind, deque(maxlen=MEMORY))
        recent.append(clock_ms)
        return usual(recent) + OUTSIDE_MS
