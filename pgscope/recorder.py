"""Records a source: samples to a file, what the analysis wants read, and the moments that it finds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from pgscope.analysis.finder import Finder, waiting
from pgscope.analysis.findings import Finding, FindingSettings
from pgscope.analysis.marks import Marks
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.source import Source
from pgscope.ending import end
from pgscope.sample import Burst, CatalogWanted, Connected, Disconnected, Look, Poll, Sample

_FLUSH_EVERY = 2.0
"""Seconds; also while no samples come."""
BUDGET = 0.03
"""Part of a core that recording may take: past it looks grow rarer, then finding things has to rest."""
ANALYSIS_BUDGET = 0.02
"""Part of a core that finding things while recording may take at the most."""
_LEAST = 0.1
"""Part of that which it has in any case."""
_JUDGED_OVER = 60.0
"""Seconds."""
_REST_MOST = 1800.0
"""Seconds without finding anything, at the most, after a stretch that took too much."""
_LOOKS_HELD = 100
_FED_EVERY = 1.9
"""Seconds from poll to poll that findings rest on, where counters are not read at each."""
_CATALOG_EVERY = 3600.0
_DATABASES_EVERY = 10.0
"""Seconds from one look for databases that are new to the next."""


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
        clock: Callable[[], float] = time.thread_time,
        whole: Callable[[], float] = time.process_time,
    ) -> None:
        """`analysis_budget` in cores; 0 records without finding anything.

        `clock` says the CPU time that finding takes, `whole` that of the process.
        """
        self._source = source
        self._file = file
        self._say = say
        self._finder = Finder(settings or FindingSettings()) if analysis_budget > 0 else None
        self._looks: list[Look] = []
        """Not analysed yet."""
        self._marks = Marks()
        self._found: tuple[Finding, ...] = ()
        self._fed = float("-inf")
        self._budget = analysis_budget
        self._clock = clock
        self._whole = whole
        self._whole_before = whole()
        self._spent = 0.0
        self._judged: float | None = None
        self._rests_until: float | None = None
        self._thinned = False
        self._connected: Connected | None = None
        self._catalogs: dict[int, float] = {}
        self._catalogs_due = float("-inf")
        self._link = ""
        self.connected = False
        """Whether the server was ever reached."""

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
        self.connected = self.connected or isinstance(sample, Connected)
        self._tell(sample)
        if self._finder is not None:
            self._analyse(self._finder, sample)
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

    def _analyse(self, finder: Finder, sample: Sample) -> None:
        """Find things, for as long as that is cheap."""
        if self._rests_until is None:
            if isinstance(sample, Look) and len(self._looks) < _LOOKS_HELD:
                # A poll is soon to come, and many at once cost less than each by itself.
                self._looks.append(sample)
                return
            if self._passed_over(sample):
                return
        looks, self._looks = self._looks, []
        if isinstance(sample, Connected):
            self._connected = sample
        if self._rests(finder, sample):
            return
        began = self._clock()
        for one in (*looks, sample):
            finder.feed(one)
        if isinstance(sample, Poll):
            for wanted in finder.wants():
                self._source.request(wanted)
            self._found = finder.current(sample.at)
            self._mark(sample, self._found)
        self._spent += self._clock() - began
        if self._judged is None:
            self._judge_from(sample.mono)
        elif sample.mono - self._judged >= _JUDGED_OVER:
            self._judge(sample.mono, sample.mono - self._judged)

    def _rests(self, finder: Finder, sample: Sample) -> bool:
        """Whether nothing is looked for now, to stay in the budget; what is cheap is done all the same."""
        if self._rests_until is None:
            return False
        if isinstance(sample, Poll) and sample.mono >= self._rests_until:
            self._rests_until = None
            self._judge_from(sample.mono)
            if self._connected is not None:
                # As after a connection that was lost: nothing is told of what happened in between.
                finder.feed(replace(self._connected, at=sample.at, mono=sample.mono))
            return False
        if isinstance(sample, Poll):
            self._mark(sample, ())
        elif not isinstance(sample, (Look, Burst)):
            finder.feed(sample)
        return True

    def _passed_over(self, sample: Sample) -> bool:
        """Whether it is a poll between two reads of the counters: only that somebody waits is told by it."""
        if not isinstance(sample, Poll):
            return False
        if sample.statements is None and 0.0 <= sample.mono - self._fed < _FED_EVERY:
            self._mark(sample, self._found)
            return True
        self._fed = sample.mono
        return False

    def _judge_from(self, now: float) -> None:
        """What is judged next begins now."""
        self._judged, self._spent, self._whole_before = now, 0.0, self._whole()

    def _judge(self, now: float, seconds: float) -> None:
        """Rest for as long as brings the mean back to the budget, and say so when that begins or ends."""
        share = self._spent / seconds
        others = (self._whole() - self._whole_before - self._spent) / seconds
        budget = min(max(BUDGET - others, self._budget * _LEAST), self._budget)
        self._judge_from(now)
        if share > budget:
            rest = min(seconds * (share / budget - 1.0), _REST_MOST)
            self._rests_until = now + max(rest, 1.0)
        if (share > budget) != self._thinned:
            self._thinned = not self._thinned
            if self._thinned:
                self._say(
                    f"finding things while recording took {100 * share:.1f}% of a core, and is now done for a"
                    " minute at a time, with rests between: the recording is whole, but marks of findings may"
                    " be missing"
                )
            else:
                self._say("finding things while recording is cheap again, and is done without rests")

    def _mark(self, poll: Poll, findings: Iterable[Finding]) -> None:
        for mark in self._marks.feed(poll.at, findings, waiting(poll)):
            self._file.mark(mark)

    def _want_catalogs(self, poll: Poll) -> None:
        """The schema of each database that is used: the findings of a replay rest on it."""
        if poll.mono < self._catalogs_due:
            return
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
            return
        self._catalogs_due = poll.mono + _DATABASES_EVERY
