"""pgscope's own path (live source, driver, watch), with a note of everything shown and when first."""

from __future__ import annotations

import time

from pgscope.analysis.findings import Finding
from pgscope.analysis.watch import Watch
from pgscope.capture.live import LiveSource
from pgscope.driver import Driver
from pgscope.sample import Burst, OwnCost, Poll, Sample
from pgscope.server.conninfo import target


class Recorder(Watch):
    """A watch that remembers what it showed."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[tuple[str, int, int, str], tuple[float, Finding]] = {}
        self.tick_ms: list[float] = []
        self.bursts: list[Burst] = []
        self.intervals: list[float] = []
        """Seconds between polls as the budget allowed, and looks a second, every five seconds."""
        self.looks_hz: list[float] = []
        observe = self.findings.observe

        def timed(interval: object) -> None:
            started = time.thread_time()
            observe(interval)  # type: ignore[arg-type]
            self.tick_ms.append((time.thread_time() - started) * 1000.0)

        self.findings.observe = timed  # type: ignore[method-assign]

    def feed(self, sample: Sample) -> None:
        """Take in one sample, and note what is shown after a poll."""
        super().feed(sample)
        if isinstance(sample, Burst):
            self.bursts.append(sample)
        if isinstance(sample, OwnCost):
            self.intervals.append(sample.interval)
            self.looks_hz.append(sample.sample_hz)
        if isinstance(sample, Poll):
            for finding in self.findings.current(sample.at):
                name = (finding.kind, finding.datid, finding.usesysid, finding.fingerprint)
                first = self.shown[name][0] if name in self.shown else time.monotonic()
                self.shown[name] = (first, finding)


async def record(conninfo: str, recorder: Recorder) -> None:
    """Watch a server until cancelled."""
    await Driver(LiveSource(target(conninfo)), recorder).run()
