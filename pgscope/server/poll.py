"""The slow poll: all that is read at one look, in one round trip."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from psycopg import sql

from pgscope.errors import PgscopeError
from pgscope.sample import DatabaseCounters, Poll, ServerFacts, StatementCounters, StatementsInfo
from pgscope.server import batch
from pgscope.server.batch import Batch, Failure, Statement
from pgscope.server.connection import Connection
from pgscope.server.names import NameBook
from pgscope.server.queries import query
from pgscope.server.sessions import SessionTable
from pgscope.server.statements import StatementReader

_TRY_AGAIN = 60.0
"""Seconds until a statement that failed for good is tried again: a privilege may have been granted since."""
_CLOCK = sql.SQL("select date_part('epoch', pg_catalog.clock_timestamp())")


class PollFailed(PgscopeError):
    """The server answered, but not with its sessions; the next poll may do better."""


@dataclass(frozen=True)
class Polled:
    """A poll, and what it cost: server time in ms, and one line for each part that failed."""

    poll: Poll
    server_ms: float
    failures: dict[str, Failure] = field(default_factory=dict)


class Poller:
    """Polls one server over one connection; not to be called again before it has returned."""

    def __init__(self, connection: Connection, facts: ServerFacts) -> None:
        self._connection = connection
        self._facts = facts
        self.names = NameBook()
        self._sessions = SessionTable(self.names)
        self.reader = StatementReader(facts, self.names) if facts.statements_version else None
        self._off: dict[str, float] = {}

    async def poll(self, *, statements: bool = True) -> Polled:
        """One look at the server; with `statements` the counters of pg_stat_statements too.

        Raises PollFailed if the sessions could not be read this time, psycopg.OperationalError or
        InterfaceError if the connection is lost.
        """
        now = time.monotonic()
        self._off = {name: until for name, until in self._off.items() if until > now}
        wanted = [self._sessions.statement(), *self._parts(statements)]
        wanted = [one for one in wanted if one.name not in self._off]
        clocks = Statement("start", _CLOCK), Statement("end", _CLOCK)
        started = time.monotonic()
        found = await batch.run(self._connection, [clocks[0], *wanted, clocks[1]])
        round_trip = time.monotonic() - started
        for part in ("start", "sessions", "end"):
            if part in found.failures:
                raise PollFailed(found.failures[part].reason)
        at, end = found.rows["start"][0][0], found.rows["end"][0][0]
        for name, failure in found.failures.items():
            if not failure.passing:
                self._off[name] = now + _TRY_AGAIN
        rows = found.rows.get("sessions", ())
        users, databases = self._sessions.oids(rows)
        if not self.names.knows(users, databases):
            await self.names.read(self._connection)
            self.names.forget_unknown(users, databases)
        poll = Poll(
            at=at,
            mono=started + round_trip / 2,
            sessions=self._sessions.update(rows, at),
            databases=tuple(
                DatabaseCounters(datid, self.names.database(datid), *counters)
                for datid, *counters in found.rows.get("databases", ())
            ),
            statements=self._counters(found),
            statements_info=self._info(found),
            round_trip_ms=round_trip * 1000.0,
        )
        return Polled(poll, max(end - at, 0.0) * 1000.0, found.failures)

    def _parts(self, statements: bool) -> list[Statement]:
        parts = [Statement("databases", query("databases", 14), {"datids": self._sessions.datids})]
        if statements and self.reader is not None:
            parts += self.reader.statements()
        return parts

    def _counters(self, found: Batch) -> tuple[StatementCounters, ...] | None:
        if self.reader is None or "statements" not in found.rows:
            return None
        return self.reader.counters(found.rows["statements"])

    def _info(self, found: Batch) -> StatementsInfo | None:
        if self.reader is None or "statements_info" not in found.rows:
            return None
        return self.reader.info(found.rows["statements_info"])
