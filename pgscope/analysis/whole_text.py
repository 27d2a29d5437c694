"""The whole text of a statement that pg_stat_activity cut off, where pg_stat_statements has it."""

from __future__ import annotations

from collections.abc import Mapping

from pgscope.analysis.statements import StatementRow
from pgscope.sample import ServerFacts, Session, StatementKey
from pgscope.text import is_truncated


def whole_text(
    session: Session, facts: ServerFacts | None, statements: Mapping[StatementKey, StatementRow]
) -> str:
    """The session's statement, normalised; '' if what the session shows is whole, or all there is."""
    if facts is None or session.query_id is None:
        return ""
    if not is_truncated(session.query, facts.track_activity_query_size):
        return ""
    for toplevel in (True, False):
        row = statements.get(StatementKey(session.usesysid, session.datid, session.query_id, toplevel))
        if row is not None and row.query:
            return row.query
    return ""
