"""A live source that runs into a watch, its samples kept, for tests that wait for what it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.watch import Watch
from pgscope.capture.live import LiveSource
from pgscope.driver import Driver
from pgscope.ending import end
from pgscope.sample import Sample
from pgscope.server.conninfo import target

_PATIENCE = 60.0


class Stream:
    """What came of a source so far."""

    def __init__(self, source: LiveSource) -> None:
        self.samples: list[Sample] = []
        self.source = source
        self.watch = Watch()

    @property
    def snapshot(self) -> Snapshot:
        return self.watch.snapshot()

    def count(self, kind: type[object]) -> int:
        """How many samples of a kind came."""
        return sum(isinstance(sample, kind) for sample in self.samples)

    async def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for it; fails naming `what` if it does not come."""
        deadline = time.monotonic() + _PATIENCE
        while not true():
            now = f"{self.snapshot.notices}, {self.snapshot.link}"
            assert time.monotonic() < deadline, f"never: {what}; {now}"
            await asyncio.sleep(0.02)

    async def more(self, kind: type[object], number: int = 1) -> None:
        """Wait for so many more samples of a kind."""
        wanted = self.count(kind) + number
        await self.until(lambda: self.count(kind) >= wanted, f"{number} more {kind.__name__}")


@asynccontextmanager
async def streaming(conninfo: str, *, sample_hz: float = 10.0, budget: float = 1.0) -> AsyncIterator[Stream]:
    """Poll and sample until the block ends; the machine may be busy, so the budget is wide."""
    source = LiveSource(target(conninfo), interval=0.1, sample_hz=sample_hz, budget=budget)
    stream = Stream(source)
    driver = Driver(source, stream.watch)

    def take(sample: Sample) -> None:
        stream.samples.append(sample)
        driver._take(sample)

    task = asyncio.create_task(source.run(take))
    try:
        yield stream
    finally:
        await end(task)
