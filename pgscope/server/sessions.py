"""Sessions: only those that changed travel, the whole table is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pgscope.sample import Session
from pgscope.server.batch import Statement
from pgscope.server.decode import name, text
from pgscope.server.names import NameBook
from pgscope.server.queries import query

_LATE = 1.0
"""Seconds: a backend takes the time of a change before it publishes it, and may be descheduled in between."""
_WHOLE_EVERY = 60
"""Polls after which all sessions are read again, should one ever have been missed."""


class SessionTable:
    """All sessions as of the last poll, kept up to date by what changed."""

    def __init__(self, names: NameBook) -> None:
        self._names = names
        self._sessions: dict[int, Session] = {}
        self._since = 0.0
        self._polls = 0

    def statement(self) -> Statement:
        """The statement that reads what changed since the last poll."""
        since = 0.0 if self.whole else self._since - _LATE
        return Statement("sessions", query("sessions", 14), {"since": since})

    @property
    def whole(self) -> bool:
        """Whether all sessions are read next."""
        return self._polls % _WHOLE_EVERY == 0

    @property
    def datids(self) -> list[int]:
        """Oids of the databases that have sessions."""
        return sorted({session.datid for session in self._sessions.values() if session.datid})

    def update(self, rows: Sequence[tuple[Any, ...]], at: float) -> tuple[Session, ...]:
        """Take in the rows of `statement` read at `at` (epoch seconds); return all sessions, by pid."""
        self._polls += 1
        self._since = at
        alive: set[int] | None = None
        moved = False
        for row in rows:
            if row[0] is not None:
                alive = set(row[0])
            session = self._session(row)
            # What is just as it was stays the object that it was: nobody works it out again.
            before = self._sessions.get(session.pid)
            moved = moved or before is None
            if before != session:
                self._sessions[session.pid] = session
        if alive is not None and (moved or alive != self._sessions.keys()):
            self._sessions = {pid: self._sessions[pid] for pid in sorted(alive & self._sessions.keys())}
        return tuple(self._sessions.values())

    def oids(self, rows: Sequence[tuple[Any, ...]]) -> tuple[set[int], set[int]]:
        """Oids of the users and of the databases in the rows."""
        return {row[4] for row in rows if row[4]}, {row[3] for row in rows if row[3]}

    def _session(self, row: tuple[Any, ...]) -> Session:
        (_, pid, start, datid, usesysid, application, addr, port, kind, leader, state, wait_type, wait) = row[
            :13
        ]
        xact_start, query_start, state_change, xid, xmin_age, query_id, sql = row[13:]
        names = self._names
        codec = names.codec(datid)
        return Session(
            pid,
            start or 0.0,
            datid or 0,
            names.database(datid),
            usesysid or 0,
            names.user(usesysid),
            name(application, codec),
            name(addr),
            port,
            name(kind),
            leader,
            name(state),
            name(wait_type),
            name(wait),
            xact_start,
            query_start,
            state_change,
            xid,
            xmin_age,
            query_id,
            text(sql, codec),
        )
