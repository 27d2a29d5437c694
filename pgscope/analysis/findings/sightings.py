"""Who was seen with a statement: sessions and applications, from the fast sampler and the slow poll.

Kept apart from attribution's shares: here it is asked which sessions showed both statements of a pair, which
application that was, and which session is worth a burst probe.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pgscope.analysis.roster import Roster
from pgscope.sample import Look, Poll, Session, Sighting, StatementKey

KEEP = 60.0
"""Seconds that a sighting counts."""
FORGET = 10.0
"""Seconds from one going over what no longer counts to the next."""
SESSIONS = 48
"""Sessions remembered for a statement."""


class SessionKey(NamedTuple):
    """A backend for good."""

    pid: int
    backend_start: float


class Seen:
    """Where one statement was seen: the session's application, and when last."""

    def __init__(self) -> None:
        self.sessions: OrderedDict[SessionKey, tuple[str, float]] = OrderedDict()
        self.applications: dict[str, tuple[int, float]] = {}

    def note(self, session: SessionKey, application: str, mono: float) -> None:
        """Count a sighting."""
        self.sessions[session] = (application, mono)
        self.sessions.move_to_end(session)
        if len(self.sessions) > SESSIONS:
            self.sessions.popitem(last=False)
        count, _ = self.applications.get(application, (0, 0.0))
        self.applications[application] = (count + 1, mono)


class Sightings:
    """A fold over looks and polls."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int, int], Seen] = {}
        self._starts: dict[tuple[int, float], tuple[int | None, float | None]] = {}
        self._forgot = float("-inf")

    def look(self, look: Look) -> None:
        """Take what the fast sampler saw."""
        for row in look.sightings:
            if row.query_id:
                self._note(row, look.mono)

    def poll(self, poll: Poll, roster: Roster) -> None:
        """Take the sessions of the slow poll that are not as they were: the others have run nothing new."""
        for row in roster.changed:
            if row.query_id and row.is_client:
                self._note(row, poll.mono)
        self._forget(poll)

    def _note(self, row: Sighting | Session, mono: float) -> None:
        # An idle session shows its last statement for ever: only a new execution is a sighting.
        execution = (row.query_id, row.query_start)
        if self._starts.get((row.pid, row.backend_start)) == execution:
            return
        session = SessionKey(row.pid, row.backend_start)
        self._starts[session] = execution
        statement = (row.datid, row.usesysid, row.query_id or 0)
        seen = self._seen.get(statement)
        if seen is None:
            seen = self._seen[statement] = Seen()
        seen.note(session, row.application_name, mono)

    def _forget(self, poll: Poll) -> None:
        if len(self._starts) > len(poll.sessions):  # else as many as there are, at the most
            alive = {SessionKey(row.pid, row.backend_start) for row in poll.sessions}
            self._starts = {key: value for key, value in self._starts.items() if key in alive}
        if poll.mono - self._forgot < FORGET:
            return
        self._forgot, oldest = poll.mono, poll.mono - KEEP
        for statement, seen in list(self._seen.items()):
            for session, (_, mono) in list(seen.sessions.items()):
                if mono >= oldest:
                    break
                del seen.sessions[session]
            for application, (_, mono) in list(seen.applications.items()):
                if mono < oldest:
                    del seen.applications[application]
            if not seen.sessions:
                del self._seen[statement]

    def of(self, keys: Iterable[StatementKey]) -> list[Seen]:
        """Where the entries of one group were seen."""
        names = {(key.dbid, key.userid, key.queryid) for key in keys}
        return [self._seen[name] for name in names if name in self._seen]

    def applications(self, keys: Iterable[StatementKey]) -> dict[str, int]:
        """Applications and how often each was seen with a statement of the group."""
        found: dict[str, int] = defaultdict(int)
        for seen in self.of(keys):
            for application, (count, _) in seen.applications.items():
                found[application] += count
        return dict(found)

    def sessions(self, keys: Iterable[StatementKey]) -> dict[SessionKey, tuple[str, float]]:
        """Sessions seen with a statement of the group: application, and when last (monotonic seconds)."""
        found: dict[SessionKey, tuple[str, float]] = {}
        for seen in self.of(keys):
            for session, (application, mono) in seen.sessions.items():
                before = found.get(session)
                if before is None or before[1] < mono:
                    found[session] = (application, mono)
        return found

    def shared(
        self, child: Sequence[StatementKey], parent: Sequence[StatementKey]
    ) -> dict[SessionKey, tuple[str, float]]:
        """Sessions that were seen with both."""
        of_parent = self.sessions(parent)
        return {key: value for key, value in self.sessions(child).items() if key in of_parent}
