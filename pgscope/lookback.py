"""The load of the minutes before a moment of a recording: its graph goes further back than all else needs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pgscope.analysis.load import KEPT_S, Load, LoadPoint
from pgscope.analysis.watch import Watch
from pgscope.capture.recording.recording import Recording
from pgscope.sample import Poll


class LookBack:
    """Gives watches that begin in the middle of a recording what the graph shows of the time before.

    What was read for one moment is kept for the next, where that is near.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._watch: Watch | None = None
        self._since = 0.0
        """From when on the load of that watch is whole, epoch seconds."""
        self._reading: Iterator[LoadPoint | None] | None = None
        self._read: list[LoadPoint] = []

    @property
    def busy(self) -> bool:
        """Whether there is more to read."""
        return self._reading is not None

    def arrive(self, watch: Watch) -> None:
        """From now on it is about this watch, which has polls from a moment before the one that is shown."""
        known = self._watch.load.points if self._watch is not None else ()
        own = watch.load.points
        self._watch, self._reading, self._read = watch, None, []
        if not own:
            return
        since = own[0].at
        if known and self._since <= since <= known[-1].at:
            watch.load.precede([one for one in known if one.at < since])
            since = max(self._since, known[-1].at - KEPT_S)
        self._since = since
        goal = max(own[-1].at - KEPT_S, self._recording.start)
        if goal < since:
            self._reading = self._points(goal, watch.load.points[0].at)

    def _points(self, since: float, until: float) -> Iterator[LoadPoint | None]:
        """Of each poll its load; None before `since`, where reading can pause all the same."""
        load = Load()
        for sample in self._recording.samples(self._recording.whole_from(since), until):
            # What held when it begins comes first, and may be old.
            if isinstance(sample, Poll) and sample.at < since:
                yield None
            elif isinstance(sample, Poll) and sample.at < until:
                load.feed(sample)
                yield load.newest
        self._since = since

    def go_on(self, seconds: float) -> bool:
        """Read on for so long; True when the watch has got all that there is."""
        if self._reading is None or self._watch is None:
            return False
        until = time.monotonic() + seconds
        for point in self._reading:
            if point is not None:
                self._read.append(point)
            if time.monotonic() > until:
                return False
        self._watch.load.precede(self._read)
        self._reading, self._read = None, []
        return True
