"""The sampler beside the polls, on a connection of its own: it looks, and comes back where it is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import psycopg

from pgscope.capture.charge import OUTSIDE_MS, Meter
from pgscope.capture.lost import ANSWER, LASTED, LOST, backoff, why
from pgscope.capture.rhythm import Rhythm
from pgscope.capture.source import Emit
from pgscope.ending import within
from pgscope.errors import PgscopeError
from pgscope.sample import ServerFacts, Session
from pgscope.server.connection import connect
from pgscope.server.conninfo import Target
from pgscope.server.memory import keep
from pgscope.server.sampler import Sampler
from pgscope.server.sense import sensible

_REFUSALS_BEFORE_TOLD = 3
"""Attempts to connect that fail in a row before it is told."""
_REFUSED_AGAIN = 60.0
"""Seconds between attempts after some more, for whatever reason: the SQLSTATE (53300, say) is not to be had
from libpq, and the server's words may be in any language."""


class Sampling:
    """Looks for as long as it runs, at a rate that fits the budgets."""

    def __init__(
        self,
        target: Target,
        facts: ServerFacts,
        codec: Callable[[int], str],
        rhythm: Rhythm,
        meter: Meter,
        emit: Emit,
    ) -> None:
        """`codec` names the codec of a database's encoding."""
        self._target = target
        self._facts = facts
        self._codec = codec
        self._rhythm = rhythm
        self._meter = meter
        self._emit = emit
        self._sampler: Sampler | None = None
        self.refused = ""
        """Why there is no connection, '' while that is not known to last."""

    def polled(self, at: float, changed: Iterable[Session]) -> None:
        """Take in what a poll saw at `at` (epoch seconds): the next look need not read that again."""
        if self._sampler is not None:
            self._sampler.polled(at, changed)

    async def run(self) -> None:
        """Look until cancelled; a lost connection is opened again, and that is not told.

        One that is refused again and again is: the polls go on, so the server is there, and has none to give.
        """
        attempt = refused = 0
        while True:
            try:
                connection = await connect(self._target)
            except (PgscopeError, *LOST) as error:
                refused += 1
                lasts = refused >= _REFUSALS_BEFORE_TOLD
                if lasts:
                    self.refused = why(error)
                await asyncio.sleep(backoff(attempt, _REFUSED_AGAIN if lasts else None))
                attempt += 1
                continue
            refused, self.refused = 0, ""
            started = time.monotonic()
            self._sampler = Sampler(connection, self._facts, self._codec, lambda: self._facts.own_pids)
            try:
                with self._meter.timed():
                    await within(ANSWER, keep(connection))
                await self._looks(self._sampler)
            except (PgscopeError, psycopg.Error, OSError, asyncio.TimeoutError):
                # Where looks are refused there is no sense in coming back twice a second.
                attempt = attempt + 1 if time.monotonic() - started < LASTED else 0
            finally:
                self._sampler = None
                await connection.close()
            await asyncio.sleep(backoff(attempt))

    async def _looks(self, sampler: Sampler) -> None:
        while True:
            started = time.monotonic()
            if not self._rhythm.resting:
                with sensible():
                    look = await within(ANSWER, sampler.look())
                self._meter.charge(sampler.kind, sampler.server_ms)
                self._rhythm.looked(sampler.server_ms + OUTSIDE_MS)
                self._emit(look)
            due = self._rhythm.next_look(started)
            await asyncio.sleep(max(due - time.monotonic(), 0.001))
