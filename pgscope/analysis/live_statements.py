"""Statements known from sessions alone: where pg_stat_statements, or query ids, cannot be had.

Polls name them and say how long they run; the looks of the fast sampler between the polls, which carry no
text, add the executions that a query id names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import NOTHING, Counts
from pgscope.analysis.fingerprints import with_query_id
from pgscope.analysis.roster import Roster
from pgscope.dataclass import dataclass
from pgscope.sample import Look, Poll, Session, StatementKey

_SHORT_LIVED = 1000
"""Sessions seen by looks alone that are remembered before those that are gone are forgotten."""
_PARSED_S = 0.1
"""Seconds until the server has parsed a statement and tells its query id, at the most."""
_HIDDEN = "<insufficient privilege>"
"""What the server shows for the text of another role's statement."""
_LONGEST_GAP = 10.0
"""Seconds: over a longer gap between polls nothing is said of what ran."""
_BASIS = "executions seen in its sessions; nothing on this server counts them for us"


class LiveKey(NamedTuple):
    """A statement of one application; without query ids a fingerprint stands in for it."""

    statement: StatementKey
    application_name: str


@dataclass
class LiveStatement:
    """What was seen of a statement: a sample, not a count."""

    key: LiveKey
    text: str
    """'' while only looks have seen it."""
    executions: int = 0
    """Distinct ones seen; those between two looks are not."""
    active: int = 0
    """Times that a poll saw it running."""
    running: float = 0.0
    """Seconds that it ran, estimated: a poll that sees it running stands for the time since the last."""
    longest: float = 0.0
    """Seconds: the longest it was seen running."""
    waits: dict[str, int] = field(default_factory=dict)
    """Times it was seen running, by wait_event_type; '' is on a processor."""


class LiveStatements:
    """A fold over polls: statements by application, from what sessions showed."""

    def __init__(self, most: int = 5000, roster: Roster | None = None) -> None:
        """`most` statements are kept; of those beyond, the least seen are forgotten."""
        self._most = most
        self._roster = roster or Roster()
        self._rostered = 0
        """Polls that the roster had taken in at the last one here."""
        self._statements: dict[LiveKey, LiveStatement] = {}
        self._last: dict[tuple[int, float], float] = {}
        self._mono: float | None = None
        self._with_ids: set[int] = set()
        """Oids of databases whose sessions were seen with a query id."""
        self.polls = 0

    def feed(self, poll: Poll) -> None:
        """Take in the sessions of a poll."""
        self.polls += 1
        seconds = poll.mono - self._mono if self._mono is not None else 0.0
        seconds = seconds if seconds <= _LONGEST_GAP else 0.0
        self._mono = poll.mono
        roster = self._roster
        roster.feed(poll)
        followed = roster.polls <= self._rostered + 1
        self._rostered = roster.polls
        for session in roster.left if followed else ():
            self._last.pop(session.identity, None)
        changed = roster.changed if followed else roster.all.values()
        self._with_ids.update(one.datid for one in changed if one.query_id is not None)
        for session in changed:
            if _shows(session) and not self._is_being_parsed(session, poll.at):
                self._execution(self._of(session), session.identity, session.query_start)
        if not followed or len(self._last) > 2 * len(roster.all) + _SHORT_LIVED:
            # Sessions that came and went between two polls were in none, and are not told to have left.
            there = {session.identity for session in roster.all.values()}
            self._last = {identity: start for identity, start in self._last.items() if identity in there}
        for session in roster.busy.values():
            if session.state == "active" and _shows(session) and not self._is_being_parsed(session, poll.at):
                self._runs(self._of(session), session, poll.at, seconds)
        self._bound()

    def _is_being_parsed(self, session: Session, at: float) -> bool:
        """Whether it has only begun and its query id is still to come: by its text it would be another."""
        if session.query_id is not None or session.state != "active" or session.query_start is None:
            return False
        return at - session.query_start < _PARSED_S and session.datid in self._with_ids

    def _of(self, shown: Session) -> LiveStatement:
        session = with_query_id(shown)
        statement = self._statement(
            session.usesysid, session.datid, session.query_id or 0, session.application_name
        )
        statement.text = statement.text or session.query
        return statement

    def _runs(self, statement: LiveStatement, session: Session, at: float, seconds: float) -> None:
        """Count that a poll, `seconds` after the one before, saw it running."""
        statement.active += 1
        # Of the time since the poll before, as much as it can have run.
        begun = session.query_start if session.query_start is not None else at
        statement.running += max(min(seconds, at - begun), 0.0)
        statement.waits[session.wait_event_type] = statement.waits.get(session.wait_event_type, 0) + 1
        if session.query_start is not None:
            statement.longest = max(statement.longest, at - session.query_start)

    def look(self, look: Look) -> None:
        """Take in the sightings of a look; what has no query id is left to the polls, which have the text."""
        for seen in look.sightings:
            if seen.query_id is not None and seen.query_start is not None:
                statement = self._statement(seen.usesysid, seen.datid, seen.query_id, seen.application_name)
                self._execution(statement, (seen.pid, seen.backend_start), seen.query_start)
        self._bound()

    def _statement(self, userid: int, dbid: int, query_id: int, application_name: str) -> LiveStatement:
        key = LiveKey(StatementKey(userid, dbid, query_id, True), application_name)
        found = self._statements.get(key)
        if found is None:
            found = self._statements[key] = LiveStatement(key, "")
        return found

    def _execution(self, statement: LiveStatement, identity: tuple[int, float], start: float | None) -> None:
        """Count an execution unless it was counted before; polls and looks do not come in order."""
        if identity not in self._last or (start is not None and start > self._last[identity]):
            statement.executions += 1
            self._last[identity] = start if start is not None else 0.0

    @property
    def statements(self) -> tuple[LiveStatement, ...]:
        """All of them, the most often seen running first."""
        return tuple(
            sorted(self._statements.values(), key=lambda one: (-one.active, -one.executions, one.text))
        )

    def _bound(self) -> None:
        if len(self._statements) <= self._most:
            return
        kept = self.statements[: self._most * 9 // 10]
        self._statements = {one.key: one for one in kept}


def _shows(session: Session) -> bool:
    """Whether a session says what it runs, or ran last."""
    return session.is_client and bool(session.query) and session.query != _HIDDEN


class SeenStatement(NamedTuple):
    """A statement of all applications together: `counts` hold the calls seen and the time estimated."""

    text: str
    counts: Counts
    shares: tuple[Share, ...]


def together(statements: Iterable[LiveStatement]) -> Mapping[StatementKey, SeenStatement]:
    """The statements with the parts of their applications, by the executions seen."""
    parts: dict[StatementKey, list[LiveStatement]] = {}
    for one in statements:
        parts.setdefault(one.key.statement, []).append(one)
    return {key: _together(of_it) for key, of_it in parts.items()}


def _together(parts: Sequence[LiveStatement]) -> SeenStatement:
    # What ran all the while was seen once, at least.
    calls = [max(part.executions, 1) for part in parts]
    seen = sum(calls)
    shares = [
        Share(part.key.application_name, count / seen, 0.0, 1.0, part.executions, "sampled", (_BASIS,))
        for part, count in zip(parts, calls, strict=True)
    ]
    running = sum(part.running for part in parts)
    text = next((part.text for part in parts if part.text), "")
    return SeenStatement(text, NOTHING._replace(calls=seen, exec_time=running * 1000.0), tuple(shares))
