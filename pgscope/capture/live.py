"""Samples from a running server: a slow poll and a fast sampler, each on its own connection.

A lost connection is a state: the stream says so and connects again for as long as it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import replace
from typing import NamedTuple

import psycopg

from pgscope.capture.charge import Meter
from pgscope.capture.errands import Errands
from pgscope.capture.health import Health
from pgscope.capture.leaving import LEAVING, Leaving
from pgscope.capture.lost import ANSWER, LASTED, LOST, backoff, why
from pgscope.capture.rhythm import Rhythm
from pgscope.capture.sampling import Sampling
from pgscope.capture.source import Emit
from pgscope.capture.stat_monitor import StatMonitorWatch
from pgscope.capture.texts import NewTexts
from pgscope.dataclass import dataclass
from pgscope.ending import end, within
from pgscope.errors import ConnectionFailed, PgscopeError
from pgscope.packed import Texts
from pgscope.sample import (
    Burst,
    Connected,
    Disconnected,
    Names,
    OwnCost,
    Sample,
    ServerFacts,
    StatementTexts,
    Wanted,
)
from pgscope.server.connection import Connection, answered, connect
from pgscope.server.conninfo import Target
from pgscope.server.facts import learn, learn_now
from pgscope.server.memory import keep
from pgscope.server.poll import Polled, Poller, PollFailed
from pgscope.server.sense import sensible

_QUIET = 5.0
"""Seconds without an answer after which the screen says so."""
_LEARN_EVERY = 60.0
"""Seconds between looks at what server and role can do: extensions, settings and rights change."""
_COST_EVERY = 5.0
"""Seconds between reports of pgscope's own cost."""
_STALE = 2.0
"""Seconds after which a poll that was made while the screen was loaded is no picture of now."""
_SECOND_POLL = 0.3
"""Seconds from a first poll of sessions alone to the next: less would make rates of noise."""
_MANY_STATEMENTS = 1000
"""Entries of pg_stat_statements from which on reading their counters is most of what a poll costs."""
_STATEMENTS_EVERY = 2.0
"""Seconds from one such read to the next, at the least."""


@dataclass(frozen=True)
class Link:
    """One stretch of being connected: the watcher's connection, and what it learned."""

    connection: Connection
    facts: ServerFacts
    poller: Poller


class _Beside(NamedTuple):
    """What runs beside the polls."""

    errands: Errands
    leaving: Leaving
    sampling: Sampling


class LiveSource:
    """A `Source` that polls one server."""

    def __init__(
        self,
        target: Target,
        *,
        interval: float = 1.0,
        sample_hz: float = 10.0,
        budget: float = 0.01,
        own_budget: float = math.inf,
    ) -> None:
        """`interval` in seconds, `sample_hz` in looks a second (0: no sampler).

        `budget` is what pgscope may cost the server, `own_budget` what this process may take, in cores.
        """
        self.target = target
        self.sessions_first = False
        """Whether the first poll leaves out the counters of statements, which take the longest to read. It is
        then made as soon as the connection is open: what shows it may take longer to begin."""
        self._rhythm = Rhythm(interval, sample_hz, budget, own_budget)
        self._first: Link | None = None
        self._early: asyncio.Task[Polled] | None = None
        self._errands: Errands | None = None
        self._server_ahead: float | None = None
        self._polls = 0
        self._hurried = False
        self._stir = asyncio.Event()

    @property
    def interval(self) -> float:
        """Seconds from one poll to the next that are wished; a shorter one holds at once."""
        return self._rhythm.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._rhythm.interval = seconds
        self._stir.set()

    @property
    def resting(self) -> bool:
        """Whether nobody looks: the sampler stops, polls go on."""
        return self._rhythm.resting

    @resting.setter
    def resting(self, resting: bool) -> None:
        self._rhythm.resting = resting

    def request(self, wanted: Wanted) -> None:
        """Read something once on a connection of its own; it comes as a sample, or never."""
        if self._errands is not None:
            self._errands.request(wanted)

    async def last_poll(self, patience: float) -> None:
        """Poll now, whatever the pace, and return when that was emitted, or after so many seconds."""
        before, deadline = self._polls, time.monotonic() + patience
        self._hurried = True
        self._stir.set()
        while self._polls == before and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def _now(self) -> float:
        """The time by the server's clock, as far as it is known: ours may be another, and be stepped."""
        return time.time() if self._server_ahead is None else time.monotonic() + self._server_ahead

    def _dated(self, sample: Sample) -> Sample:
        return replace(sample, at=self._now()) if isinstance(sample, Burst) else sample

    async def open(self) -> ServerFacts:
        """Connect now, so that a first failure can be told at once; `run` goes on with this connection.

        Raises ConnectionFailed (PasswordNeeded).
        """
        self._first = link = await self._connect()
        if self.sessions_first:
            self._early = asyncio.create_task(link.poller.poll(statements=False))
        return link.facts

    async def close(self) -> None:
        """Close a connection that `open` made and `run` never took."""
        if self._early is not None:
            await end(self._early)
            self._early = None
        if self._first is not None:
            await self._first.connection.close()
            self._first = None

    async def run(self, emit: Emit) -> None:
        """Emit samples until cancelled."""
        attempt = 0
        while True:
            try:
                link = self._first or await self._connect()
            except (PgscopeError, *LOST) as error:
                emit(Disconnected(self._now(), time.monotonic(), why(error)))
                await asyncio.sleep(backoff(attempt))
                attempt += 1
                continue
            self._first = None
            started = time.monotonic()
            reason = await self._stay(link, emit)
            attempt = attempt + 1 if time.monotonic() - started < LASTED else 0
            if reason is not None:
                emit(Disconnected(self._now(), time.monotonic(), reason))
                await asyncio.sleep(backoff(attempt))

    async def _connect(self) -> Link:
        connection = await connect(self.target)
        try:
            with sensible():
                facts, now = await answered(self.target, learn_now(connection), ANSWER)
        except psycopg.OperationalError as error:
            await connection.close()
            raise ConnectionFailed(f"cannot use {self.target}: {why(error)}; try again") from None
        except BaseException:
            await connection.close()
            raise
        self._server_ahead = now - time.monotonic()
        return Link(connection, facts, Poller(connection, facts))

    async def _stay(self, link: Link, emit: Emit) -> str | None:
        """Watch until the connection is lost; return why, or None if the server changed."""
        self._rhythm.begin()
        meter = Meter()
        emit(Connected(self._now(), time.monotonic(), link.facts))
        errands = Errands(self.target, lambda one: emit(self._dated(one)), meter.add)
        leaving = Leaving(link.connection, self.target, link.facts.started, meter.add, self._stir.set)
        codec = link.poller.names.codec
        sampling = Sampling(self.target, link.facts, codec, self._rhythm, meter, emit)
        beside = [asyncio.create_task(errands.run()), asyncio.create_task(leaving.run())]
        if self._rhythm.samples:
            beside.append(asyncio.create_task(sampling.run()))
        if link.facts.stat_monitor:
            monitor = StatMonitorWatch(self.target, codec, emit, meter.add, self._now)
            beside.append(asyncio.create_task(monitor.run()))
        self._errands = errands
        try:
            # Only the poll decides: it ends when its connection is lost.
            return await self._poll_loop(link, _Beside(errands, leaving, sampling), meter, emit)
        finally:
            self._errands = None
            try:
                await end(*beside)
            finally:
                await link.connection.close()

    async def _poll_loop(self, link: Link, beside: _Beside, meter: Meter, emit: Emit) -> str | None:
        def take(texts: Texts) -> None:
            emit(StatementTexts(self._now(), time.monotonic(), texts))

        named = 0
        reader, names, rhythm = link.poller.reader, link.poller.names, self._rhythm
        texts = NewTexts(link.connection, reader, beside.errands, meter, take) if reader is not None else None
        health = Health(link.facts, emit, self._now)
        next_learn = time.monotonic() + _LEARN_EVERY
        whole = not self.sessions_first
        reads = without = 0
        kept = False
        while not beside.leaving.due:
            started = rhythm.poll_due = time.monotonic()
            hurried, self._hurried = self._hurried, False
            # Twice in a row at first, for rates to be known soon.
            due = hurried or reads < 2 or without + 1 >= self._statements_every(link.poller)
            counters = whole and due
            try:
                with sensible():
                    polled = await within(ANSWER, self._poll(link, counters), quiet=_QUIET, tell=health.quiet)
                if health.suspicious(polled) or started >= next_learn:
                    next_learn = started + _LEARN_EVERY
                    with sensible(), meter.timed():
                        facts = await within(ANSWER, learn(link.connection))
                    # Another superuser changes nothing of what is seen: that need not begin anew for it.
                    if replace(facts, superusers=link.facts.superusers) != link.facts:
                        return None
            except PollFailed as error:
                # What fails for so long may do so for what we remember of the answers before.
                if link.connection.closed or started >= next_learn:
                    return str(error)
                health.failed(str(error))
                await self._rest(started, beside.leaving)
                continue
            except (ConnectionFailed, *LOST) as error:
                return why(error)
            health.well(
                polled,
                unreadable=reader.unreadable if reader is not None else "",
                unsampled=beside.sampling.refused,
            )
            rhythm.spent(started)
            poll = polled.poll
            self._server_ahead = poll.at - poll.mono
            reads, without = (reads + 1, 0) if counters else (reads, without + 1)
            cost = meter.charge((polled.answered, polled.whole), polled.server_ms, polled.statements)
            if not polled.whole:
                rhythm.polled(cost)
            if names.changes != named:
                named = names.changes
                emit(Names(poll.at, poll.mono, dict(names.users), dict(names.databases)))
            emit(poll)
            beside.sampling.polled(poll.at, link.poller.changed)
            beside.errands.name_elsewhere(link.poller.objects)
            try:
                if poll.statements and texts is not None:
                    await texts.read(started)
                if not kept:
                    # After the first poll: somebody waits for that.
                    kept = True
                    with meter.timed():
                        await within(ANSWER, keep(link.connection))
            except (ConnectionFailed, *LOST) as error:
                return why(error)
            self._report_cost(poll.at, meter, emit)
            self._polls += 1
            if whole:
                await self._rest(started, beside.leaving)
            else:
                whole = True
                await asyncio.sleep(min(rhythm.wished, _SECOND_POLL))
        return LEAVING

    async def _poll(self, link: Link, counters: bool) -> Polled:
        """A poll; the first may have been begun when the connection was opened."""
        early, self._early = self._early, None
        if early is not None:
            polled = await early
            # Somebody may have been asked for a password meanwhile.
            if time.monotonic() - polled.poll.mono < _STALE:
                return polled
        return await link.poller.poll(statements=counters)

    def _statements_every(self, poller: Poller) -> int:
        """In how many polls the counters of statements are read once."""
        if poller.reader is None or len(poller.reader) < _MANY_STATEMENTS:
            return 1
        return max(round(_STATEMENTS_EVERY / self._rhythm.wished), 1)

    async def _rest(self, started: float, leaving: Leaving) -> None:
        """Sleep until the next poll is due, in one piece: each wake costs as much as a small query."""
        while not (self._hurried or leaving.due):
            self._rhythm.poll_due = due = started + self._rhythm.poll_period
            left = due - time.monotonic()
            if left <= 0:
                return
            self._stir.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await within(left, self._stir.wait())

    def _report_cost(self, at: float, meter: Meter, emit: Emit) -> None:
        now, rhythm = time.monotonic(), self._rhythm
        seconds = now - meter.since
        if seconds >= _COST_EVERY:
            spent = meter.taken(now)
            emit(
                OwnCost(
                    at, now, seconds, *spent, rhythm.hz, rhythm.poll_period, rhythm.throttled, rhythm.budget
                )
            )
