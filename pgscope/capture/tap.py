"""A source with listeners: what it gives goes to them too."""

from __future__ import annotations

from collections.abc import Callable

from pgscope.capture.source import Emit, Source
from pgscope.sample import Sample, Wanted

Listener = Callable[[Sample], None]
"""Takes each sample after the one that it was emitted to; must not block or raise."""


class Tap:
    """A `Source` that gives what another gives."""

    def __init__(self, source: Source, *listeners: Listener) -> None:
        self.source = source
        self.listeners = list(listeners)

    @property
    def interval(self) -> float:
        """Seconds from one poll to the next."""
        return self.source.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self.source.interval = seconds

    @property
    def resting(self) -> bool:
        """Whether nobody looks."""
        return self.source.resting

    @resting.setter
    def resting(self, resting: bool) -> None:
        self.source.resting = resting

    async def run(self, emit: Emit) -> None:
        """Emit samples, to the listeners too."""

        def both(sample: Sample) -> None:
            emit(sample)
            for listener in tuple(self.listeners):
                listener(sample)

        await self.source.run(both)

    def request(self, wanted: Wanted) -> None:
        """Ask for something read once."""
        self.source.request(wanted)
