"""pgscope's own path in small: live samples into attribution and findings, wishes fulfilled."""

from __future__ import annotations

import asyncio
import time

from pgscope.analysis.attribution import Attribution
from pgscope.analysis.counters import StatementDeltas
from pgscope.analysis.findings import Finding, Findings
from pgscope.capture.live import LiveSource
from pgscope.capture.wanted import fulfil
from pgscope.sample import Burst, Poll, Sample
from pgscope.server.conninfo import target


class Watch:
    """Watches a server and remembers everything that was shown, and when first."""

    def __init__(self, conninfo: str) -> None:
        self._target = target(conninfo)
        self._source = LiveSource(self._target)
        self._deltas = StatementDeltas()
        self._attribution = Attribution()
        self.findings = Findings(attribute=self._attribution.shares)
        self.shown: dict[tuple[str, int, int, str], tuple[float, Finding]] = {}
        self.tick_ms: list[float] = []
        self.bursts: list[Burst] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            await self._source.run(self._emit)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _emit(self, sample: Sample) -> None:
        self._attribution.feed(sample)
        self.findings.feed(sample)
        if not isinstance(sample, Poll):
            return
        interval = self._deltas.feed(sample)
        if interval is None:
            return
        self._attribution.observe(interval)
        started = time.thread_time()
        self.findings.observe(interval)
        self.tick_ms.append((time.thread_time() - started) * 1000.0)
        for finding in self.findings.current(sample.at):
            name = (finding.kind, finding.datid, finding.usesysid, finding.fingerprint)
            first = self.shown[name][0] if name in self.shown else time.monotonic()
            self.shown[name] = (first, finding)
        for wanted in self.findings.wants():
            task = asyncio.create_task(self._fulfil(wanted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fulfil(self, wanted: object) -> None:
        sample, _ = await fulfil(wanted, self._target)  # type: ignore[arg-type]
        if sample is not None:
            if isinstance(sample, Burst):
                self.bursts.append(sample)
            self.findings.feed(sample)
