"""Samples from a running server: a slow poll and a fast sampler, each on its own connection.

A lost connection is a state: the stream says so and connects again for as long as it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from dataclasses import field, replace

import psycopg

from pgscope.capture.charge import OUTSIDE_MS, Charges
from pgscope.capture.errands import Errands
from pgscope.capture.health import Health
from pgscope.capture.leaving import LEAVING, Leaving
from pgscope.capture.pace import Budget, Pace, TextPace, next_look
from pgscope.capture.source import Emit
from pgscope.capture.stat_monitor import StatMonitorWatch
from pgscope.capture.thrift import Thrift
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
from pgscope.server.batch import Failure
from pgscope.server.connection import Connection, answered, connect
from pgscope.server.conninfo import Target
from pgscope.server.elsewhere import places
from pgscope.server.facts import learn, learn_now
from pgscope.server.memory import keep
from pgscope.server.poll import Polled, Poller, PollFailed
from pgscope.server.sampler import Sampler
from pgscope.server.sense import sensible
from pgscope.server.statements import StatementReader
from pgscope.text import clean, one_line

SHORTEST_INTERVAL = 0.1
"""Seconds."""
_ANSWER = 20.0
"""Seconds until a server that does not answer counts as lost."""
_QUIET = 5.0
"""Seconds without an answer after which the screen says so."""
_BACKOFF_MOST = 10.0
"""Seconds between attempts to connect again, at the most."""
_LASTED = 5.0
"""Seconds after which a connection was worth making: the next attempt need not be put off."""
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
_TEXTS_AGAIN = 10.0
"""Seconds after a read of texts that was cancelled or ran out of something until the next."""
_RESERVE = 0.15
"""Part of the budget for what is read once."""

_REFUSALS_BEFORE_TOLD = 3
"""Attempts of the sampler to connect that fail in a row before it is told."""
_REFUSED_AGAIN = 60.0
"""Seconds between attempts after some more, for whatever reason: the SQLSTATE (53300, say) is not to be had
from libpq, and the server's words may be in any language."""

_LOST = (psycopg.OperationalError, psycopg.InterfaceError, OSError, asyncio.TimeoutError)


@dataclass
class _Meter:
    """What our statements cost since the last report."""

    since: float = field(default_factory=time.monotonic)
    server_ms: float = 0.0
    statements: int = 0

    def add(self, server_ms: float, statements: int = 1) -> None:
        self.server_ms += server_ms
        self.statements += statements


@dataclass(frozen=True)
class Link:
    """One stretch of being connected: the watcher's connection, and what it learned."""

    connection: Connection
    facts: ServerFacts
    poller: Poller


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
        self._interval = interval
        self.resting = False
        self.sessions_first = False
        """Whether the first poll leaves out the counters of statements, which take the longest to read. It is
        then made as soon as the connection is open: what shows it may take longer to begin."""
        self._sample_hz = sample_hz
        self._budget = budget
        fastest, slowest = self._looks_between
        self._thrift = Thrift(own_budget, fastest, slowest)
        self._first: Link | None = None
        self._early: asyncio.Task[Polled] | None = None
        self._pace = self._new_pace()
        self._meter = _Meter()
        self._charges = Charges()
        self._errands: Errands | None = None
        self._server_ahead: float | None = None
        self._polls = 0
        self._sampler: Sampler | None = None
        self._unsampled = ""
        """Why the sampler has no connection, '' while that is not known to last."""
        self._poll_due = 0.0
        """When the poll is due or was begun, mono."""
        self._hurried = False
        self._stir = asyncio.Event()

    @property
    def interval(self) -> float:
        """Seconds from one poll to the next that are wished; a shorter one holds at once."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = seconds
        self._stir.set()

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

    @property
    def _looks_between(self) -> tuple[float, float]:
        """The shortest and the longest time from look to look while both budgets allow it, in seconds."""
        fastest = 1.0 / self._sample_hz if self._sample_hz > 0 else 0.1
        return fastest, max(0.5, fastest)

    def _new_pace(self) -> Pace:
        fastest, slowest = self._looks_between
        return Pace(Budget(self._budget, fastest, slowest, reserve=_RESERVE))

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
            except (PgscopeError, *_LOST) as error:
                emit(Disconnected(self._now(), time.monotonic(), _why(error)))
                await asyncio.sleep(_backoff(attempt))
                attempt += 1
                continue
            self._first = None
            started = time.monotonic()
            reason = await self._stay(link, emit)
            attempt = attempt + 1 if time.monotonic() - started < _LASTED else 0
            if reason is not None:
                emit(Disconnected(self._now(), time.monotonic(), reason))
                await asyncio.sleep(_backoff(attempt))

    async def _connect(self) -> Link:
        connection = await connect(self.target)
        try:
            with sensible():
                facts, now = await answered(self.target, learn_now(connection), _ANSWER)
        except psycopg.OperationalError as error:
            await connection.close()
            raise ConnectionFailed(f"cannot use {self.target}: {_why(error)}; try again") from None
        except BaseException:
            await connection.close()
            raise
        self._server_ahead = now - time.monotonic()
        return Link(connection, facts, Poller(connection, facts))

    async def _stay(self, link: Link, emit: Emit) -> str | None:
        """Watch until the connection is lost; return why, or None if the server changed."""
        self._pace = self._new_pace()
        self._meter = _Meter()
        self._charges = Charges()
        self._unsampled = ""
        emit(Connected(self._now(), time.monotonic(), link.facts))
        self._errands = Errands(
            self.target, lambda one: emit(self._dated(one)), lambda server_ms: self._meter.add(server_ms)
        )
        leaving = Leaving(
            link.connection,
            self.target,
            link.facts.started,
            lambda server_ms: self._meter.add(server_ms),
            self._stir.set,
        )
        beside = [asyncio.create_task(self._errands.run()), asyncio.create_task(leaving.run())]
        if self._sample_hz > 0:
            beside.append(asyncio.create_task(self._sample_loop(link, emit)))
        if link.facts.stat_monitor:
            beside.append(asyncio.create_task(self._stat_monitor(link, emit).run()))
        try:
            # Only the poll decides: it ends when its connection is lost.
            return await self._poll_loop(link, emit, leaving)
        finally:
            self._errands = None
            try:
                await end(*beside)
            finally:
                await link.connection.close()

    def _stat_monitor(self, link: Link, emit: Emit) -> StatMonitorWatch:
        return StatMonitorWatch(
            self.target,
            link.poller.names.codec,
            emit,
            lambda server_ms: self._meter.add(server_ms),
            self._now,
        )

    async def _poll_loop(self, link: Link, emit: Emit, leaving: Leaving) -> str | None:
        named = 0
        next_texts = 0.0
        texts = TextPace()
        health = Health(link.facts, emit, self._now)
        next_learn = time.monotonic() + _LEARN_EVERY
        whole = not self.sessions_first
        reads = without = 0
        kept = False
        while not leaving.due:
            started = self._poll_due = time.monotonic()
            hurried, self._hurried = self._hurried, False
            # Twice in a row at first, for rates to be known soon.
            due = hurried or reads < 2 or without + 1 >= self._statements_every(link.poller)
            counters = whole and due
            try:
                with sensible():
                    polled = await within(
                        _ANSWER, self._poll(link, counters), quiet=_QUIET, tell=health.quiet
                    )
                if health.suspicious(polled) or started >= next_learn:
                    next_learn = started + _LEARN_EVERY
                    asked = time.monotonic()
                    with sensible():
                        facts = await within(_ANSWER, learn(link.connection))
                    # Another superuser changes nothing of what is seen: that need not begin anew for it.
                    if replace(facts, superusers=link.facts.superusers) != link.facts:
                        return None
                    self._meter.add((time.monotonic() - asked) * 1000.0)
            except PollFailed as error:
                # What fails for so long may do so for what we remember of the answers before.
                if link.connection.closed or started >= next_learn:
                    return str(error)
                health.failed(str(error))
                await self._rest(started, leaving)
                continue
            except (ConnectionFailed, *_LOST) as error:
                return _why(error)
            reader = link.poller.reader
            health.well(
                polled,
                unreadable=reader.unreadable if reader is not None else "",
                unsampled=self._unsampled,
            )
            self._thrift.feed(started)
            self._server_ahead = polled.poll.at - polled.poll.mono
            reads, without = (reads + 1, 0) if counters else (reads, without + 1)
            cost = self._charges.of((polled.answered, polled.whole), polled.server_ms)
            self._meter.add(cost, polled.statements)
            if not polled.whole:
                self._pace.polled(cost, self._wished)
            names = link.poller.names
            if names.changes != named:
                named = names.changes
                poll = polled.poll
                emit(Names(poll.at, poll.mono, dict(names.users), dict(names.databases)))
            emit(polled.poll)
            if self._sampler is not None:
                self._sampler.polled(polled.poll.at, link.poller.changed)
            if self._errands is not None:
                self._errands.name_elsewhere(link.poller.objects)
            if polled.poll.statements and reader and started >= next_texts:
                try:
                    cost = await self._texts(link, reader, emit)
                except (ConnectionFailed, *_LOST) as error:
                    return _why(error)
                if cost > 0:
                    next_texts = started + max(texts.read(cost), _until_again(reader.failure))
            if not kept:
                # After the first poll: somebody waits for that.
                kept = True
                try:
                    await self._keep_memory(link.connection)
                except _LOST as error:
                    return _why(error)
            self._report_cost(polled.poll.at, emit)
            self._polls += 1
            if whole:
                await self._rest(started, leaving)
            else:
                whole = True
                await asyncio.sleep(min(self._wished, _SECOND_POLL))
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

    async def _keep_memory(self, connection: Connection) -> None:
        """Have a backend that stays keep its memory."""
        asked = time.monotonic()
        await within(_ANSWER, keep(connection))
        self._meter.add((time.monotonic() - asked) * 1000.0)

    async def _texts(self, link: Link, reader: StatementReader, emit: Emit) -> float:
        """Read texts not read yet; return what that is taken to have cost, in s of server time."""
        unseen = reader.unseen()
        if not unseen:
            return 0.0
        started = time.monotonic()

        def take(texts: Texts) -> None:
            emit(StatementTexts(self._now(), time.monotonic(), texts))

        with sensible():
            await within(_ANSWER, reader.texts(link.connection, unseen, take))
            if reader.unconvertible:
                where = await within(_ANSWER, places(link.connection))
                if where and self._errands is not None:
                    self._errands.texts_elsewhere(reader, where, take)
                else:
                    reader.give_up()
        cost_ms = self._charges.of("texts", (time.monotonic() - started) * 1000.0)
        self._meter.add(cost_ms)
        return cost_ms / 1000.0

    async def _sample_loop(self, link: Link, emit: Emit) -> None:
        """Look at a rate that fits the budget; a lost connection is opened again, and that is not told.

        One that is refused again and again is: the polls go on, so the server is there, and has none to give.
        """
        attempt = refused = 0
        while True:
            try:
                connection = await connect(self.target)
            except (PgscopeError, *_LOST) as error:
                refused += 1
                lasts = refused >= _REFUSALS_BEFORE_TOLD
                if lasts:
                    self._unsampled = _why(error)
                await asyncio.sleep(_backoff(attempt, _REFUSED_AGAIN if lasts else _BACKOFF_MOST))
                attempt += 1
                continue
            refused, self._unsampled = 0, ""
            started = time.monotonic()
            sampler = Sampler(connection, link.facts, link.poller.names.codec, lambda: link.facts.own_pids)
            self._sampler = sampler
            try:
                await self._keep_memory(connection)
                await self._looks(sampler, emit)
            except (PgscopeError, psycopg.Error, OSError, asyncio.TimeoutError):
                # Where looks are refused there is no sense in coming back twice a second.
                attempt = attempt + 1 if time.monotonic() - started < _LASTED else 0
            finally:
                self._sampler = None
                await connection.close()
            await asyncio.sleep(_backoff(attempt))

    async def _looks(self, sampler: Sampler, emit: Emit) -> None:
        while True:
            started = time.monotonic()
            period = self._pace.period
            if not self.resting:
                with sensible():
                    look = await within(_ANSWER, sampler.look())
                self._meter.add(self._charges.of(sampler.kind, sampler.server_ms))
                period = self._pace.looked(sampler.server_ms + OUTSIDE_MS)
                emit(look)
            period = max(period, self._thrift.period)
            due = next_look(started, period, self._poll_due, self._poll_period)
            await asyncio.sleep(max(due - time.monotonic(), 0.001))

    def _statements_every(self, poller: Poller) -> int:
        """In how many polls the counters of statements are read once."""
        if poller.reader is None or len(poller.reader) < _MANY_STATEMENTS:
            return 1
        return max(round(_STATEMENTS_EVERY / self._wished), 1)

    @property
    def _wished(self) -> float:
        return max(self.interval, SHORTEST_INTERVAL)

    @property
    def _poll_period(self) -> float:
        """Seconds from one poll to the next."""
        return max(self._pace.poll_period(self._wished), self._wished * self._thrift.stretch)

    async def _rest(self, started: float, leaving: Leaving) -> None:
        """Sleep until the next poll is due, in one piece: each wake costs as much as a small query."""
        while not (self._hurried or leaving.due):
            self._poll_due = started + self._poll_period
            left = self._poll_due - time.monotonic()
            if left <= 0:
                return
            self._stir.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await within(left, self._stir.wait())

    def _report_cost(self, at: float, emit: Emit) -> None:
        now = time.monotonic()
        seconds = now - self._meter.since
        if seconds < _COST_EVERY:
            return
        meter, self._meter = self._meter, _Meter()
        hz = min(self._pace.hz, 1.0 / self._thrift.period)
        emit(
            OwnCost(
                at,
                now,
                seconds,
                meter.server_ms,
                meter.statements,
                0.0 if self.resting or not self._sample_hz else hz,
                self._poll_period,
                self._pace.throttled or self._thrift.said,
                self._budget,
            )
        )


def _backoff(attempt: int, most: float = _BACKOFF_MOST) -> float:
    """Seconds to wait before the next attempt: doubling, bounded, and not in step with other clients."""
    # Of a server that stays away for hours the power would be too great a number.
    return min(0.5 * 2.0 ** min(attempt, 30), most) * random.uniform(0.75, 1.25)


def _until_again(failure: Failure | None) -> float:
    """Seconds until texts may be read again after a read that failed so; 0 after one that did not."""
    if failure is None:
        return 0.0
    return _TEXTS_AGAIN if failure.passing else _LEARN_EVERY


def _why(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return f"no answer for {_ANSWER:g} s"
    return one_line(clean(str(error))) or type(error).__name__
