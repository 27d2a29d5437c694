"""Sessions: only those that changed travel, the whole table is kept here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from pgscope.sample import Session
from pgscope.server.batch import Statement
from pgscope.server.decode import name, text
from pgscope.server.names import NameBook
from pgscope.server.queries import query

_LATE = 1.0
"""Seconds: a backend takes the time of a change before it publishes it, and may be descheduled in between."""
_WHOLE_EVERY = 60
"""Polls after which all sessions are read again, should one ever have been missed."""


class Head(NamedTuple):
    """The first row of `SessionTable.statement`: the clock before the sessions were read (epoch seconds),
    whether the server is a standby, and the pids of all backends."""

    at: float
    in_recovery: bool
    pids: Collection[int]

    @classmethod
    def of(cls, rows: Sequence[tuple[Any, ...]]) -> tuple[Head, list[tuple[Any, ...]]]:
        """The head of the rows, and the sessions behind it. Raises LookupError where there is none."""
        return cls(*rows[0][: len(cls._fields)]), [row[len(cls._fields) :] for row in rows[1:]]


class SessionTable:
    """All sessions as of the last poll, kept up to date by what changed."""

    def __init__(self, names: NameBook) -> None:
        self._names = names
        self._sessions: dict[int, Session] = {}
        self._rows: dict[int, tuple[Any, ...]] = {}
        self._busy: dict[int, Session] = {}
        self._datids: Counter[int] = Counter()
        self._since = 0.0
        self._polls = 0
        self._named = 0
        self.changed: Sequence[Session] = ()
        """Sessions that the last poll found other than the one before, or new."""

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
        return sorted(self._datids)

    @property
    def busy(self) -> Collection[Session]:
        """The sessions that do something or wait for something, or of which that is not known."""
        return self._busy.values()

    def update(
        self, rows: Sequence[tuple[Any, ...]], at: float, pids: Collection[int]
    ) -> tuple[Session, ...]:
        """Take in sessions read at `at` (epoch seconds), when these pids were there; return all, by pid."""
        self._polls += 1
        self._since = at
        moved = False
        self.changed = changed = list[Session]()
        sessions, read_before = self._sessions, self._rows
        read = self._rows = {}
        for row in rows:
            pid = row[0]
            read[pid] = row
            # What is just as it was stays the object that it was: nobody works it out again.
            if read_before.get(pid) == row and pid in sessions:
                continue
            session, before = self._session(row), sessions.get(pid)
            moved = moved or before is None
            if before != session:
                self._take(session, before)
                changed.append(session)
        if self._named != self._names.changes:
            self._named = self._names.changes
            self._rename()
        alive = set(pids)
        if moved or alive != sessions.keys():
            for pid in sessions.keys() - alive:
                self._forget(sessions[pid])
            self._sessions = {pid: sessions[pid] for pid in sorted(alive & sessions.keys())}
        return tuple(self._sessions.values())

    def _take(self, session: Session, before: Session | None) -> None:
        if before is not None:
            self._forget(before)
        self._sessions[session.pid] = session
        if session.datid:
            self._datids[session.datid] += 1
        if session.state != "idle" or session.wait_event_type == "Lock":
            self._busy[session.pid] = session

    def _rename(self) -> None:
        """Give those that did not travel the names that their role and database have now."""
        for session in list(self._sessions.values()):
            names = self._names.database(session.datid), self._names.user(session.usesysid)
            if names != (session.database, session.user):
                self._take(session._replace(database=names[0], user=names[1]), session)

    def _forget(self, session: Session) -> None:
        self._busy.pop(session.pid, None)
        if session.datid:
            self._datids[session.datid] -= 1
            if not self._datids[session.datid]:
                del self._datids[session.datid]

    def oids(self, rows: Sequence[tuple[Any, ...]]) -> tuple[set[int], set[int]]:
        """Oids of the users and of the databases in the rows."""
        return {row[3] for row in rows if row[3]}, {row[2] for row in rows if row[2]}

    def _session(self, row: Sequence[Any]) -> Session:
        pid, start, datid, usesysid, application, addr, port, kind, leader, state, wait_type, wait = row[:12]
        xact_start, query_start, state_change, xid, xmin_age, query_id, sql = row[12:]
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
