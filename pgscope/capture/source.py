"""What a stream of samples is: live, and later recorded, behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from pgscope.sample import Sample, Wanted

Emit = Callable[[Sample], None]
"""Takes one sample; called on the event loop, must not block."""


class Source(Protocol):
    """Gives samples until it ends or is cancelled."""

    interval: float
    """Seconds from one poll to the next; may be changed while running."""

    resting: bool
    """Set while nobody looks: the sampler stops, polls go on."""

    async def run(self, emit: Emit) -> None:
        """Emit samples; returns when there are no more, never because a server is out of reach."""
        ...

    def request(self, wanted: Wanted) -> None:
        """Ask for something read once, on a connection of its own; it comes as a sample, or never."""
        ...


class Silent:
    """A `Source` that gives nothing: where a recording is all there is."""

    interval = 1.0
    resting = False

    async def run(self, emit: Emit) -> None:  # noqa: ARG002
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def request(self, wanted: Wanted) -> None:
        """Nothing can be asked for."""
