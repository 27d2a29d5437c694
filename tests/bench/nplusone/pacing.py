"""What all workloads share: pages at random times, of random sizes."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


def ready(name: str) -> None:
    """Tell the bench that a workload did its first page, and when on the machine's monotonic clock."""
    sys.stdout.write(f"ready {name} {time.monotonic()}\n")
    sys.stdout.flush()


@dataclass
class Pacing:
    """A workload's own clock and dice."""

    name: str
    rate: float
    random: random.Random
    until: float = float("inf")

    def wait(self) -> float:
        """Seconds until the next page: half of the mean for sure, the rest by chance."""
        mean = 1.0 / self.rate
        return mean * 0.5 + self.random.expovariate(2.0 / mean)

    def run(self, page: Callable[[], None]) -> None:
        """Do pages for ever; says when the first is done."""
        page()
        ready(self.name)
        while time.monotonic() < self.until:
            time.sleep(self.wait())
            page()

    @property
    def size(self) -> int:
        """Rows of a page."""
        return self.random.randint(5, 20)

    @property
    def offset(self) -> int:
        """Where a page begins."""
        return self.random.randint(0, 1950)


def pacing(name: str, rate: float, number: int) -> Pacing:
    """The pacing of one thread, the `number`-th of its workload."""
    return Pacing(name, rate, random.Random(f"{name}-{number}"))
