"""Reads pg_stat_monitor beside the polls, where it is installed: its view is too dear for each of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import psycopg

from pgscope.capture.source import Emit
from pgscope.ending import within
from pgscope.errors import PgscopeError
from pgscope.server.connection import connect
from pgscope.server.conninfo import Target
from pgscope.server.sense import sensible
from pgscope.server.stat_monitor import StatMonitorReader

READ_EVERY = 10.0
"""Seconds from one read to the next, at the least."""
_ANSWER = 20.0
"""Seconds until a read that has no answer is given up."""
_DUTY = 0.01
"""Part of the time that may go into reads: what takes long is read more seldom."""
_LOOK_AGAIN = 300.0
"""Seconds until we look again for the extension, where it cannot be read."""


class StatMonitorWatch:
    """Emits `Monitored` for as long as it runs. Each read has a connection of its own, closed after use."""

    def __init__(
        self,
        target: Target,
        codec: Callable[[int], str],
        emit: Emit,
        meter: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        """`codec` names the codec of a database's encoding, `meter` takes the server time of a read in ms.

        `clock` gives the server's time in epoch seconds: buckets begin by it.
        """
        self._target = target
        self._codec = codec
        self._emit = emit
        self._meter = meter
        self._clock = clock
        self._reader: StatMonitorReader | None = None

    async def run(self) -> None:
        """Read until cancelled. A read that fails is left out: the next one covers its time too."""
        while True:
            started = time.monotonic()
            wait = READ_EVERY
            try:
                with sensible():
                    if not await within(_ANSWER, self._read()):
                        wait = _LOOK_AGAIN
            except (PgscopeError, psycopg.Error, OSError, asyncio.TimeoutError):
                # Of a lost server the poll tells.
                pass
            took = time.monotonic() - started
            await asyncio.sleep(max(wait, took / _DUTY))

    async def _read(self) -> bool:
        """Read once; False if there is nothing that can be read."""
        connection = await connect(self._target)
        try:
            if self._reader is None:
                self._reader = await StatMonitorReader.find(connection, self._codec)
            if self._reader is None:
                return False
            started = time.monotonic()
            monitored = await self._reader.read(connection, self._clock(), started)
            self._meter((time.monotonic() - started) * 1000.0)
            if monitored is None:
                return False
            self._emit(monitored)
            return True
        finally:
            await connection.close()
