"""Reading how far running DDL and maintenance have come (pg_stat_progress_*), in one statement."""

from __future__ import annotations

from collections.abc import Iterable

from pgscope.sample import Progress, Session
from pgscope.server.batch import Batch, Statement
from pgscope.server.decode import name
from pgscope.server.objects import ObjectNames, Thing
from pgscope.server.queries import query

_QUIET = frozenset(
    "select with insert update delete values fetch begin commit set show start_replication".split()  # noqa: SIM905
)
"""First words of statements that have no progress to show."""


def something_runs(sessions: Iterable[Session]) -> bool:
    """Whether a session may have progress to show, judged by its kind and by its statement's first word.

    Anything that is not plainly DML counts; what a function runs is missed.
    """
    return any(
        session.backend_type == "autovacuum worker"
        or (session.state == "active" and _first_word(session.query) not in _QUIET)
        for session in sessions
    )


def _first_word(query: str) -> str:
    words = query[:200].split(None, 1)
    return words[0].lower() if words else ""


def statements(major: int) -> list[Statement]:
    """The statement of one look, for a batch; `decode` reads what comes back."""
    return [Statement("progress", query("progress", major))]


def wanted_names(found: Batch) -> list[Thing]:
    """The relations that are worked on, to be named."""
    return [Thing(row[1] or 0, 0, row[2]) for row in found.rows.get("progress", ()) if row[2]]


def decode(found: Batch, names: ObjectNames) -> tuple[Progress, ...]:
    """Rows to samples, with the names known by now."""
    return tuple(
        Progress(
            pid,
            name(command),
            name(phase),
            names.relation(datid, relid),
            done or 0,
            total or 0,
            name(unit),
            name(detail),
        )
        for pid, datid, relid, command, phase, done, total, unit, detail in found.rows.get("progress", ())
    )
