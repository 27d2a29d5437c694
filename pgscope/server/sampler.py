"""The fast sampler: which session runs or last ran which query_id, and the sessions' odometers.

One statement, one round trip, no text of statements. Only sessions that changed since the look before travel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from pgscope.sample import Look, Odometer, ServerFacts, Session, Sighting
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.queries import query
from pgscope.server.sense import moment

_LATE = 0.25
"""Seconds: a backend takes the time of a change before it publishes it, and may be descheduled in between."""
_LARGE = 200
"""Sessions from which it is cheaper to look first who began a statement, and to read those only."""
_FEW = 1 / 15
"""Part of them that may have begun one for this to be cheaper."""
_WHOLE_EVERY = 100
"""Looks after which all sessions are read again, should one ever have been missed."""
_BUFFERS_EVERY = 0.5
"""Seconds between reads of a session's buffer counters: it brings them up to date about once a second."""
_LARGE_ODOMETERS_EVERY = 0.5
"""Seconds to each scan of pg_locks on a large server (about 0.4 ms for 1,000 sessions)."""
_BUFFERS_MOST = 300
"""Sessions whose buffer counters are read each such time; the others have their turn in the next look."""

_SCANS_GAP = 0.01
"""Seconds between scans of pg_locks within a look."""
_LOOK_CHEAP_MS = 0.5
_LOOK_DEAR_MS = 0.8
"""Server time of a look below which it scans once more, and above which once less."""

_CLIENT = "client backend"
_CLOCK, _SESSION, _TRANSACTIONS, _BUFFERS = 0, 1, 2, 3


class Sampler:
    """Looks at one server over one connection; not to be called again before it has returned."""

    def __init__(
        self,
        connection: Connection,
        facts: ServerFacts,
        codec: Callable[[int], str],
        own_pids: Callable[[], Collection[int]] = tuple,
    ) -> None:
        """`codec` names the Python codec of a database's encoding (`NameBook.codec`).

        `own_pids` gives the pids of pgscope's other connections, which are not looked at.
        """
        self._connection = connection
        self._facts = facts
        self._codec = codec
        self._own_pids = own_pids
        self._seen: dict[int, Sighting] = {}
        self._since = 0.0
        self._looks = 0
        self._odometers_at = float("-inf")
        self._buffers_at = float("-inf")
        self._touched: dict[int, None] = {}
        self._server_ms = 0.0
        self._cost_ms = 0.5
        self._scan_count = 2
        self._changed = 0
        self._kind: tuple[bool, bool, bool] = (True, False, True)

    @property
    def server_ms(self) -> float:
        """Server time of the last look in ms by the server's clock, without the time that it slept."""
        return self._server_ms

    @property
    def kind(self) -> tuple[bool, bool, bool]:
        """Of the last look: whether it read all sessions, went by who began a statement, read odometers."""
        return self._kind

    @property
    def sessions(self) -> int:
        """How many client sessions were there at the last whole look, and came since."""
        return len(self._seen)

    def polled(self, at: float, changed: Iterable[Session]) -> None:
        """Take in what a poll saw at `at` (epoch seconds): the next look need not read that again.

        One that took longer than a look which began after it is passed over: it would bring back what was.
        """
        if at < self._since:
            return
        own = {self._connection.info.backend_pid, *self._own_pids()}
        for session in changed:
            if session.backend_type == _CLIENT and session.pid not in own:
                self._notice(session.sighting)
        self._since = at

    def _notice(self, sighting: Sighting) -> bool:
        """Remember it; says whether the session was not seen like that before."""
        if self._seen.get(sighting.pid) == sighting:
            return False
        self._seen[sighting.pid] = sighting
        self._touched[sighting.pid] = None
        return True

    async def look(self) -> Look:
        """One look. Raises psycopg.Error: OperationalError or InterfaceError if the connection is lost."""
        whole = self._looks % _WHOLE_EVERY == 0
        large = not whole and len(self._seen) >= _LARGE and self._changed <= _FEW * len(self._seen)
        started = time.monotonic()
        params: dict[str, Any] = {
            "since": 0.0 if whole else self._since - _LATE,
            "own": [self._connection.info.backend_pid, *self._own_pids()],
            "scans": self._scans(started),
            "gap": _SCANS_GAP,
        }
        if self._facts.major >= 18:
            params["pids"] = self._due_for_buffers(started)
        statement = query("look_large" if large else "look", self._facts.major)
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(statement, params, prepare=True)
        rows = await cursor.fetchall()
        ended = time.monotonic()
        self._kind = (whole, large, bool(params["scans"] or params.get("pids")))
        if params["scans"]:
            self._odometers_at = started
        self._looks += 1
        return self._look(rows, (started, ended), whole)

    def _scans(self, now: float) -> int:
        """How often to scan pg_locks in this look: often where it costs next to nothing."""
        if len(self._seen) >= _LARGE:
            # Looks may be rarer than scans should be.
            return int(min((now - self._odometers_at) / _LARGE_ODOMETERS_EVERY + 0.1, 2.0))
        return self._scan_count

    def _adapt_scans(self) -> None:
        """More scans while a look stays cheap, judged by many: one says little on a busy machine."""
        # From 18 the buffers tell the same of sessions that are hardly ever in a transaction.
        most = 2 if self._facts.major >= 18 else 4
        self._cost_ms += 0.05 * (self._server_ms - self._cost_ms)
        if self._looks % 20 == 0:
            if self._cost_ms > _LOOK_DEAR_MS:
                self._scan_count = max(self._scan_count - 1, 1)
            elif self._cost_ms < _LOOK_CHEAP_MS:
                self._scan_count = min(self._scan_count + 1, most)

    def _due_for_buffers(self, now: float) -> list[int]:
        if now - self._buffers_at < _BUFFERS_EVERY:
            return []
        # Looks may be rarer than that.
        turns = int(min((now - self._buffers_at) / _BUFFERS_EVERY + 0.1, 2.0))
        self._buffers_at = now
        due = list(self._touched)[: _BUFFERS_MOST * turns]
        for pid in due:
            del self._touched[pid]
        return due

    def _look(self, rows: list[tuple[Any, ...]], round_trip: tuple[float, float], whole: bool) -> Look:
        at, end = rows[0][2], rows[-1][2]
        # The server's clock against ours: the statement lasts as long there, and the wire takes the rest.
        mono = round_trip[0] + max(round_trip[1] - round_trip[0] - (end - at), 0.0) / 2
        if whole:
            alive = {row[1] for row in rows if row[0] == _SESSION}
            self._seen = {pid: seen for pid, seen in self._seen.items() if pid in alive}
        sightings: list[Sighting] = []
        odometers: list[Odometer] = []
        slept: dict[float, float] = {}
        counted: dict[int, int | None] = {}
        self._changed = sum(row[0] == _SESSION for row in rows) if not whole else self._changed
        for row in rows:
            kind, pid = row[:2]
            if kind == _SESSION:
                sighting = self._sighting(row)
                if self._notice(sighting) or whole:
                    sightings.append(sighting)
            elif kind == _TRANSACTIONS:
                slept[row[2]] = row[9]
                number = _after_slash(row[12])
                # Without a session it is of a background process, or of a session not seen yet.
                if pid in self._seen and counted.get(pid) != number:
                    counted[pid] = number
                    odometers.append(
                        Odometer(pid, self._seen[pid].backend_start, number, None, mono + row[2] - at)
                    )
            elif kind == _BUFFERS and pid in self._seen:
                odometers.append(Odometer(pid, self._seen[pid].backend_start, None, row[13], mono + end - at))
        self._since = moment(at)
        self._server_ms = max(end - at - sum(slept.values()), 0.0) * 1000.0
        self._adapt_scans()
        return Look(at, mono, tuple(sightings), tuple(odometers), whole)

    def _sighting(self, row: tuple[Any, ...]) -> Sighting:
        (_, pid, backend_start, datid, usesysid, application, state, wait_type, query_id) = row[:9]
        query_start, xact_start, state_change = row[9:12]
        return Sighting(
            pid,
            backend_start or 0.0,
            datid or 0,
            usesysid or 0,
            name(application, self._codec(datid or 0)),
            name(state),
            name(wait_type),
            query_id,
            query_start,
            xact_start,
            state_change,
        )


def _after_slash(virtualxid: bytes | str | None) -> int | None:
    if virtualxid is None:
        return None
    text = virtualxid.decode("ascii") if isinstance(virtualxid, bytes) else virtualxid
    number = text.rpartition("/")[2]
    return int(number) if number.isdigit() else None
