"""Records a source: samples to a file, what the analysis wants read, and the moments that it finds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.marks import Marks
from pgscope.analysis.watch import Watch
from pgscope.capture.ending import end
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.source import Source
from pgscope.sample import CatalogWanted, Connected, Disconnected, Poll, Sample

_FLUSH_EVERY = 2.0
"""Seconds; also while no samples come."""
ANALYSIS_BUDGET = 0.02
"""Part of a core that finding things while recording may take."""
_JUDGED_OVER = 60.0
"""Seconds."""
_CATALOG_EVERY = 3600.0


class Recorder:
    """Records until cancelled. `say` gets a line when something happens that one should know."""

    def __init__(
        self,
        source: Source,
        file: RecordingFile,
        say: Callable[[str], None],
        *,
        settings: FindingSettings | None = None,
        analysis_budget: float = ANALYSIS_BUDGET,
    ) -> None:
        """`analysis_budget` in cores; 0 records without finding anything."""
        self._source = source
        self._file = file
        self._say = say
        self._watch = Watch(settings) if analysis_budget > 0 else None
        self._marks = Marks()
        self._budget = analysis_budget
        self._spent = 0.0
        self._judged: float | None = None
        self._catalogs: dict[int, float] = {}
        self._link = ""

    async def run(self) -> None:
        """Record."""
        flushing = asyncio.create_task(self._flush())
        try:
            await self._source.run(self.take)
        finally:
            await end(flushing)
            self._file.close()

    def take(self, sample: Sample) -> None:
        """Take a sample."""
        self._file.write(sample)
        self._tell(sample)
        if self._watch is not None:
            self._analyse(self._watch, sample)
        if isinstance(sample, Poll):
            self._want_catalogs(sample)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY)
            self._file.flush()

    def _tell(self, sample: Sample) -> None:
        if isinstance(sample, Connected):
            facts = sample.facts
            said = f"connected: PostgreSQL {facts.version} at {facts.host}:{facts.port}"
        elif isinstance(sample, Disconnected):
            said = f"not connected, trying on: {sample.reason}"
        else:
            return
        if said != self._link:
            self._link = said
            self._say(said)

    def _analyse(self, watch: Watch, sample: Sample) -> None:
        """Find things, for as long as that is cheap."""
        began = time.thread_time()
        watch.feed(sample)
        if isinstance(sample, Poll):
            for wanted in watch.wants():
                self._source.request(wanted)
            for mark in self._marks.feed(sample.at, watch.findings.current(sample.at), watch.locks.starts()):
                self._file.mark(mark)
        self._spent += time.thread_time() - began
        if self._judged is None:
            self._judged = sample.mono
        elif (seconds := sample.mono - self._judged) >= _JUDGED_OVER:
            if self._spent > self._budget * seconds:
                self._watch = None
                share = 100.0 * self._spent / seconds
                self._say(
                    f"finding things while recording took {share:.1f}% of a core and is off: the recording is"
                    " whole, but has no marks of findings to jump to"
                )
            self._judged, self._spent = sample.mono, 0.0

    def _want_catalogs(self, poll: Poll) -> None:
        """The schema of each database that is used: the findings of a replay rest on it."""
        with contextlib.suppress(StopIteration):
            datid, database = next(
                (one.datid, one.database)
                for one in poll.sessions
                if one.is_client
                and one.database
                and poll.mono - self._catalogs.get(one.datid, float("-inf")) > _CATALOG_EVERY
            )
            self._catalogs[datid] = poll.mono
            self._source.request(CatalogWanted(datid, database))
