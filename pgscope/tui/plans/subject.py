"""A statement to explain, as a row of a view knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgscope.analysis.findings import Finding
from pgscope.analysis.live_statements import LiveStatement
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import StatementRow
from pgscope.dataclass import dataclass
from pgscope.sample import Session, StatementKey
from pgscope.text import one_line

if TYPE_CHECKING:
    from pgscope.capture.explaining import ExplainRequest


@dataclass(frozen=True)
class Live:
    """The statement as a session shows it, perhaps with values where the counters have `$1`."""

    pid: int
    text: str


@dataclass(frozen=True)
class Subject:
    """What there is to explain, whose it is, and what is known of its cost."""

    text: str
    database: str
    user: str
    queryid: int | None
    text_limit: int | None = None
    """track_activity_query_size if the text is a session's, which may be cut off; None for a whole one."""
    live: tuple[Live, ...] = ()
    live_limit: int | None = None
    calls: float = 0.0
    mean_ms: float | None = None
    max_ms: float | None = None
    """Of one call, from pg_stat_statements; None where they are not known."""

    @property
    def name(self) -> str:
        """For the way here."""
        return f"queryid {self.queryid}" if self.queryid is not None else one_line(self.text)[:24]

    def request(self, text: str | None = None, limit: int | None = None) -> ExplainRequest:
        """What to ask the server for; `text` instead of its own, with its limit."""
        from pgscope.capture.explaining import ExplainRequest

        return ExplainRequest(
            text=self.text if text is None else text,
            database=self.database or None,
            user=self.user or None,
            queryid=self.queryid,
            text_limit=self.text_limit if text is None else limit,
        )


def of_statement(row: StatementRow, snapshot: Snapshot) -> Subject:
    """The statement of a row, with the sessions that show it now."""
    key = row.key
    limit = snapshot.facts.track_activity_query_size if snapshot.facts is not None else None
    showing = (
        one
        for one in snapshot.sessions
        if (one.query_id, one.datid, one.usesysid) == (key.queryid, key.dbid, key.userid)
    )
    return Subject(
        text=row.query,
        database=row.database,
        user=row.user,
        queryid=key.queryid,
        live=_with_values(showing),
        live_limit=limit,
        calls=row.total.calls,
        mean_ms=row.total.exec_time / row.total.calls if row.total.calls else None,
        max_ms=row.max_exec_time,
    )


def of_finding(finding: Finding, snapshot: Snapshot) -> Subject | None:
    """The statement that a finding is about."""
    row = statement_of(finding, snapshot)
    return of_statement(row, snapshot) if row is not None else None


def statement_of(finding: Finding, snapshot: Snapshot) -> StatementRow | None:
    """The statement with the most calls of those that were merged for a finding."""
    known, ref = snapshot.statements, finding.statement
    rows = [row for key in (ref.keys if ref is not None else ()) if (row := known.get(key)) is not None]
    return max(rows, key=lambda row: row.rates.calls, default=None)


def of_session(session: Session, snapshot: Snapshot) -> Subject:
    """The current or last statement of a session, with what the counters know of it."""
    limit = snapshot.facts.track_activity_query_size if snapshot.facts is not None else None
    row = None
    if session.query_id is not None:
        keys = (StatementKey(session.usesysid, session.datid, session.query_id, top) for top in (True, False))
        row = next((found for key in keys if (found := snapshot.statements.get(key)) is not None), None)
    return Subject(
        text=session.query,
        database=session.database,
        user=session.user,
        queryid=session.query_id,
        text_limit=limit,
        calls=row.total.calls if row is not None else 0.0,
        mean_ms=row.total.exec_time / row.total.calls if row is not None and row.total.calls else None,
        max_ms=row.max_exec_time if row is not None else None,
    )


def of_live(seen: LiveStatement, snapshot: Snapshot) -> Subject:
    """A statement that is known from sessions alone; its names are those of a session that is there now."""
    key, facts = seen.key.statement, snapshot.facts
    user = next((one.user for one in snapshot.sessions if one.usesysid == key.userid), "")
    database = next((one.database for one in snapshot.sessions if one.datid == key.dbid), "")
    return Subject(
        text=seen.text,
        database=database,
        user=user,
        # Without query ids of the server a fingerprint of our own stands in the key.
        queryid=key.queryid if facts is not None and facts.query_ids and key.queryid else None,
        text_limit=facts.track_activity_query_size if facts is not None else None,
    )


def _with_values(sessions: Iterable[Session]) -> tuple[Live, ...]:
    """The different texts that have no `$1` of their own, which would say nothing of values."""
    texts: dict[str, int] = {}
    for session in sessions:
        if session.query and "$1" not in session.query:
            texts.setdefault(session.query, session.pid)
    return tuple(Live(pid, text) for text, pid in list(texts.items())[:20])
