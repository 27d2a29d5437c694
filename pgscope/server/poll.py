"""The slow poll: all that is read at one look, in one round trip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import field

from psycopg import sql

from pgscope.dataclass import dataclass
from pgscope.errors import PgscopeError
from pgscope.sample import (
    DatabaseCounters,
    Poll,
    ServerFacts,
    Session,
    StatementCounters,
    StatementsInfo,
    XminHolder,
)
from pgscope.server import batch, locks, progress, xmin
from pgscope.server.batch import Batch, Failure, Statement
from pgscope.server.connection import Connection
from pgscope.server.facts import OLDEST
from pgscope.server.names import NameBook
from pgscope.server.objects import ObjectNames
from pgscope.server.queries import query
from pgscope.server.sense import moment
from pgscope.server.sessions import Head, SessionTable
from pgscope.server.statements import StatementReader

_TRY_AGAIN = 60.0
"""Seconds until a statement that failed for good is tried again: a privilege may have been granted since."""
_XMIN_EVERY = 10.0
"""Seconds between looks at what holds back xmin: that changes slowly."""
_CLOCK = sql.SQL("select /* pgscope */ date_part('epoch', pg_catalog.clock_timestamp())")
_LAST_COLLECTOR = 14
"""Until this major a process of its own collects statistics, and who reads them waits until it wrote them."""
_COLLECTOR_STEP = 0.010
"""Seconds that such a wait takes, or twice as long, and so on (PGSTAT_RETRY_DELAY in pgstat.c)."""


class PollFailed(PgscopeError):
    """The server answered, but not with its sessions; the next poll may do better."""


@dataclass(frozen=True)
class Polled:
    """A poll, and what it cost: server time in ms, statements run; and the parts that failed."""

    poll: Poll
    server_ms: float
    statements: int
    failures: dict[str, Failure] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    """The parts that were read."""
    in_recovery: bool = False
    whole: bool = False
    """Whether all sessions or counters were read, not only those that changed: it is dearer, and rare."""


class Poller:
    """Polls one server over one connection; not to be called again before it has returned."""

    def __init__(self, connection: Connection, facts: ServerFacts) -> None:
        self._connection = connection
        self._facts = facts
        self.names = NameBook()
        self._sessions = SessionTable(self.names)
        self.reader = StatementReader(facts, self.names) if facts.statements_version else None
        self.objects = ObjectNames(self.names, facts.database)
        self._off: dict[str, float] = {}
        self._polled = False
        self._xmin_holders: tuple[XminHolder, ...] = ()
        self._xmin_due = 0.0

    @property
    def changed(self) -> Sequence[Session]:
        """Sessions that the last poll found other than the one before, or new."""
        return self._sessions.changed

    async def poll(self, *, statements: bool = True) -> Polled:
        """One look at the server; with `statements` the counters of pg_stat_statements too.

        Raises PollFailed if the sessions could not be read this time, psycopg.OperationalError or
        InterfaceError if the connection is lost.
        """
        now = time.monotonic()
        self._off = {name: until for name, until in self._off.items() if until > now}
        wanted = self._allowed([self._sessions.statement(), *self._parts(statements, now)])
        started = time.monotonic()
        whole = self._sessions.whole or any(one.name == "statements" and self._reads_all for one in wanted)
        found = await batch.run(self._connection, self._timed(wanted))
        round_trip = time.monotonic() - started
        for part in ("sessions", "end"):
            if part in found.failures:
                raise PollFailed(found.failures[part].reason)
        head, rows = Head.of(found.rows["sessions"])
        at = moment(head.at)
        self._turn_off(found)
        users, databases = self._sessions.oids(rows)
        if not self.names.knows(users, databases):
            await self.names.read(self._connection)
            self.names.forget_unknown(users, databases)
        sessions = self._sessions.update(rows, at, head.pids)
        self._polled = True
        await self._late_locks(found)
        await self._name_objects(found)
        held = locks.decode(found, self.objects)
        if "xmin_holders" in found.rows:
            self._xmin_holders = xmin.xmin_holders(found.rows["xmin_holders"])
        poll = Poll(
            at=at,
            mono=started + round_trip / 2,
            sessions=sessions,
            databases=tuple(
                DatabaseCounters(datid, self.names.database(datid), *counters)
                for datid, *counters in found.rows.get("databases", ())[:-1]
            ),
            statements=self._counters(found),
            statements_info=self._info(found),
            locks=held.locks,
            blocking=held.blocking,
            prepared=held.prepared,
            xmin_holders=self._xmin_holders,
            progress=progress.decode(found, self.objects),
            round_trip_ms=max(round_trip - _on_server(at, found), 0.0) * 1000.0,
        )
        return Polled(
            poll,
            self._server_ms(at, round_trip, found),
            len(found.rows),
            found.failures,
            frozenset(found.rows),
            head.in_recovery,
            whole,
        )

    @property
    def _reads_all(self) -> bool:
        """Whether all counters of statements are read next."""
        return self.reader is not None and not len(self.reader)

    def _timed(self, wanted: list[Statement]) -> list[Statement]:
        """The statements such that the last tells the clock; the first, of sessions, does so too."""
        totals = [one for one in wanted if one.name == "databases"]
        work = [one for one in wanted if one.name != "databases"]
        if totals and self._facts.major > _LAST_COLLECTOR:
            return [*work, *totals]
        # What waits for the server comes last, behind a clock of its own.
        return [*work, Statement("end", _CLOCK), *totals]

    def _parts(self, statements: bool, now: float) -> list[Statement]:
        parts = [Statement("databases", query("databases", OLDEST), {"datids": self._sessions.datids})]
        if statements and self.reader is not None:
            parts += self.reader.statements()
        # At the first poll too, to have them planned: later somebody may hold the catalog that this takes.
        if not self._polled or self._someone_waits():
            parts += locks.statements()
        if progress.something_runs(self._sessions.busy):
            parts += progress.statements(self._facts.major)
        if now >= self._xmin_due:
            self._xmin_due = now + _XMIN_EVERY
            parts.append(xmin.statement())
        return parts

    def _allowed(self, wanted: list[Statement]) -> list[Statement]:
        return [one for one in wanted if one.name not in self._off]

    def _turn_off(self, found: Batch) -> None:
        for name, failure in found.failures.items():
            if not failure.passing:
                self._off[name] = time.monotonic() + _TRY_AGAIN

    def _someone_waits(self) -> bool:
        return locks.someone_waits(self._sessions.busy, reads_all_stats=self._facts.reads_all_stats)

    async def _late_locks(self, found: Batch) -> None:
        """Read the locks in a round trip of their own where the first waiter was seen only now."""
        asked = "locks" in found.rows or "locks" in found.failures
        if asked or not self._someone_waits():
            return
        more = await batch.run(self._connection, self._allowed(locks.statements()))
        self._turn_off(more)
        found.rows.update(more.rows)
        found.failures.update(more.failures)

    async def _name_objects(self, found: Batch) -> None:
        self.objects.want([*locks.wanted_names(found), *progress.wanted_names(found)])
        if self.objects.wanted_here:
            await self.objects.read_own(self._connection)

    def _counters(self, found: Batch) -> tuple[StatementCounters, ...] | None:
        if self.reader is None or "statements" not in found.rows:
            return None
        return self.reader.counters(found.rows["statements"])

    def _info(self, found: Batch) -> StatementsInfo | None:
        if self.reader is None or "statements_info" not in found.rows:
            return None
        return self.reader.info(found.rows["statements_info"])

    def _server_ms(self, at: float, round_trip: float, found: Batch) -> float:
        """Server time of a poll in ms, without waits in which the backend did nothing."""
        totals = found.rows.get("databases", ())
        if "end" not in found.rows:
            # Without totals, which failed, nothing told the time when the work was done.
            seconds = max(totals[-1][-1] - at, 0.0) if totals else round_trip
            return float(seconds * 1000.0)
        end = found.rows["end"][0][0]
        waited = max(totals[-1][-1] - end, 0.0) % _COLLECTOR_STEP if totals else 0.0
        return float((max(end - at, 0.0) + waited) * 1000.0)


def _on_server(at: float, found: Batch) -> float:
    """Seconds that a poll was worked on there or waited for, from the first clock to the last.

    The client of a short statement waits for the rest only.
    """
    rows = found.rows.get("databases") or found.rows.get("end") or ()
    return float(max(rows[-1][-1] - at, 0.0)) if rows else 0.0
