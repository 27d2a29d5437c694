"""Joins a source and the fold: feeds every sample in, and fetches what the analysis asks for."""

from __future__ import annotations

from collections.abc import Callable

from pgscope.analysis.watch import Watch
from pgscope.capture.source import Source
from pgscope.sample import Connected, Disconnected, Look, Poll, Sample

_LOOKS_HELD = 100


class Driver:
    """Runs a source into a watch. `changed` is called after each poll and each change of the link."""

    def __init__(self, source: Source, watch: Watch, changed: Callable[[], None] | None = None) -> None:
        self.source = source
        self.watch = watch
        self._changed = changed
        self._looks: list[Look] = []
        """Not fed yet."""

    async def run(self) -> None:
        """Run until the source ends or the task is cancelled."""
        await self.source.run(self._take)

    def _take(self, sample: Sample) -> None:
        if isinstance(sample, Look) and len(self._looks) < _LOOKS_HELD:
            # Nothing is shown before the next poll, and several at once cost less than each by itself.
            self._looks.append(sample)
            return
        looks, self._looks = self._looks, []
        for one in (*looks, sample):
            self.watch.feed(one)
        if isinstance(sample, Poll):
            for wanted in self.watch.wants():
                self.source.request(wanted)
        if self._changed is not None and isinstance(sample, (Poll, Connected, Disconnected)):
            self._changed()
