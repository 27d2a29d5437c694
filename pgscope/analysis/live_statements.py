"""Statements known from sessions alone: where pg_stat_statements, or query ids, cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pgscope.analysis.fingerprints import query_id_of
from pgscope.sample import Poll, StatementKey


class LiveKey(NamedTuple):
    """A statement of one application; without query ids a fingerprint stands in for it."""

    statement: StatementKey
    application_name: str


@dataclass
class LiveStatement:
    """What polls saw of a statement: a sample, not a count."""

    key: LiveKey
    text: str
    executions: int = 0
    """Distinct ones seen; those between two polls are not."""
    active: int = 0
    """Times it was seen running."""
    longest: float = 0.0
    """Seconds: the longest it was seen running."""
    waits: dict[str, int] = field(default_factory=dict)
    """Times it was seen running, by wait_event_type; '' is on a processor."""


class LiveStatements:
    """A fold over polls: statements by application, from what sessions showed."""

    def __init__(self, most: int = 5000) -> None:
        """`most` statements are kept; of those beyond, the least seen are forgotten."""
        self._most = most
        self._statements: dict[LiveKey, LiveStatement] = {}
        self._last: dict[tuple[int, float], float | None] = {}
        self.polls = 0

    def feed(self, poll: Poll) -> None:
        """Take in the sessions of a poll."""
        self.polls += 1
        last, self._last = self._last, {}
        for session in poll.sessions:
            if not session.is_client or not session.query:
                continue
            self._last[session.identity] = session.query_start
            query_id = session.query_id if session.query_id is not None else query_id_of(session.query)
            key = LiveKey(
                StatementKey(session.usesysid, session.datid, query_id, True), session.application_name
            )
            statement = self._statements.get(key)
            if statement is None:
                statement = self._statements[key] = LiveStatement(key, session.query)
            if session.identity not in last or last[session.identity] != session.query_start:
                statement.executions += 1
            if session.state == "active":
                statement.active += 1
                statement.waits[session.wait_event_type] = statement.waits.get(session.wait_event_type, 0) + 1
                if session.query_start is not None:
                    statement.longest = max(statement.longest, poll.at - session.query_start)
        if len(self._statements) > self._most:
            self._forget()

    @property
    def statements(self) -> tuple[LiveStatement, ...]:
        """All of them, the most often seen running first."""
        return tuple(
            sorted(self._statements.values(), key=lambda one: (-one.active, -one.executions, one.text))
        )

    def _forget(self) -> None:
        kept = self.statements[: self._most * 9 // 10]
        self._statements = {one.key: one for one in kept}
