"""What pgscope's round trips cost the server's processor, from what its clock says of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

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


class Meter:
    """What our statements cost since the last report."""

    def __init__(self) -> None:
        self._charges = Charges()
        self.since = time.monotonic()
        """When that was (mono)."""
        self._server_ms = 0.0
        self._statements = 0

    def add(self, server_ms: float, statements: int = 1) -> None:
        """So much server time more."""
        self._server_ms += server_ms
        self._statements += statements

    def charge(self, kind: Hashable, clock_ms: float, statements: int = 1) -> float:
        """Add what a round trip of this kind is taken to have cost (`Charges`), and return it."""
        cost_ms = self._charges.of(kind, clock_ms)
        self.add(cost_ms, statements)
        return cost_ms

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time that the block takes, if it ends well."""
        began = time.monotonic()
        yield
        self.add((time.monotonic() - began) * 1000.0)

    def taken(self, now: float) -> tuple[float, int]:
        """Server time in ms and statements; it is `now` (mono), and what comes is of the next report."""
        taken = self._server_ms, self._statements
        self.since, self._server_ms, self._statements = now, 0.0, 0
        return taken
