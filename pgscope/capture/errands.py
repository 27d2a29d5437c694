"""What is read once, on demand, over connections of their own that are closed after use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence

from pgscope.capture.source import Emit
from pgscope.capture.wanted import fulfil
from pgscope.ending import within
from pgscope.packed import Texts
from pgscope.sample import Wanted
from pgscope.server.connection import Connection
from pgscope.server.conninfo import Target
from pgscope.server.elsewhere import Place, There, first_that_can
from pgscope.server.objects import ObjectNames
from pgscope.server.really import connect_to
from pgscope.server.sense import Senseless, sensible
from pgscope.server.statements import StatementReader

_ANSWER = 30.0
"""Seconds that an errand may take."""
_WAITING_MOST = 20
"""Errands that may wait; more are dropped, since the analysis asks again."""

Meter = Callable[[float], None]
"""Takes the server time of an errand in ms."""


class Errands:
    """Runs one errand at a time, so that a server never sees more than one such connection."""

    def __init__(self, target: Target, emit: Emit, meter: Meter) -> None:
        self._target = target
        self._emit = emit
        self._meter = meter
        self._queue: asyncio.Queue[tuple[object, Callable[[], Coroutine[None, None, None]]]] = asyncio.Queue()
        self._known: set[object] = set()

    def request(self, wanted: Wanted) -> None:
        """Queue a wish of the analysis."""
        self._put(wanted, lambda: self._fulfil(wanted))

    def name_elsewhere(self, objects: ObjectNames) -> None:
        """Queue the naming of objects of other databases, if there are any to name."""
        if objects.wanted_elsewhere:
            self._put("names", lambda: self._names(objects))

    def texts_elsewhere(
        self, reader: StatementReader, places: Sequence[Place], take: Callable[[Texts], None]
    ) -> None:
        """Queue the reading of texts in the first of these databases where they can be read."""
        self._put("texts", lambda: self._texts(reader, places, take))

    def _put(self, key: object, errand: Callable[[], Coroutine[None, None, None]]) -> None:
        if key not in self._known and self._queue.qsize() < _WAITING_MOST:
            self._known.add(key)
            self._queue.put_nowait((key, errand))

    async def run(self) -> None:
        """Run errands until cancelled. One that fails is dropped: it is asked for again if it matters."""
        while True:
            key, errand = await self._queue.get()
            try:
                with sensible():
                    await within(_ANSWER, errand())
            except (Senseless, asyncio.TimeoutError):
                continue
            finally:
                self._known.discard(key)

    async def _fulfil(self, wanted: Wanted) -> None:
        sample, spent_ms = await fulfil(wanted, self._target)
        if sample is not None:
            self._meter(spent_ms)
            self._emit(sample)

    async def _names(self, objects: ObjectNames) -> None:
        await objects.read_elsewhere(self._open)

    async def _texts(
        self, reader: StatementReader, places: Sequence[Place], take: Callable[[Texts], None]
    ) -> None:
        async def read(there: There) -> None:
            started = time.monotonic()
            try:
                await reader.texts_elsewhere(there, reader.unseen(), take)
            finally:
                self._meter((time.monotonic() - started) * 1000.0)

        try:
            await first_that_can(places, self._open, read)
        finally:
            if reader.failure is not None:
                reader.give_up()

    async def _open(self, database: str) -> Connection:
        return await connect_to(self._target, database)
