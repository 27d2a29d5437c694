"""Joins a source and the fold: feeds every sample in, and fetches what the analysis asks for."""

from __future__ import annotations

from collections.abc import Callable

from pgscope.analysis.watch import Watch
from pgscope.capture.source import Source
from pgscope.sample import Connected, Disconnected, Poll, Sample


class Driver:
    """Runs a source into a watch. `changed` is called after each poll and each change of the link."""

    def __init__(self, source: Source, watch: Watch, changed: Callable[[], None] | None = None) -> None:
        self.source = source
        self.watch = watch
        self._changed = changed

    async def run(self) -> None:
        """Run until the source ends or the task is cancelled."""
        await self.source.run(self._take)

    def _take(self, sample: Sample) -> None:
        self.watch.feed(sample)
        if isinstance(sample, Poll):
            for wanted in self.watch.wants():
                self.source.request(wanted)
        if self._changed is not None and isinstance(sample, (Poll, Connected, Disconnected)):
            self._changed()
