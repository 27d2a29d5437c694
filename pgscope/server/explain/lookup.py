"""A statement's text and owner by its queryid: from pg_stat_statements, or live from a session."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pgscope.dataclass import dataclass
from pgscope.errors import UsageError
from pgscope.server.connection import connect
from pgscope.server.conninfo import Target
from pgscope.server.explain.request import ExplainFailed
from pgscope.server.queries import query


@dataclass(frozen=True)
class Found:
    """A text with whose it is. Times in ms, None where not known."""

    text: str
    role: str | None
    database: str | None
    text_limit: int | None = None
    """track_activity_query_size, for a live text."""
    mean_ms: float | None = None
    max_ms: float | None = None


async def by_queryid(target: Target, queryid: int, *, live: bool = False) -> Found:
    """Find a statement; `live` takes it from a session, with its literals.

    Raises UsageError if there is none, ExplainFailed if it cannot be read, ConnectionFailed.
    """
    connection = await connect(target)
    try:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(
                "SELECT ns.nspname FROM pg_extension e JOIN pg_namespace ns ON ns.oid = e.extnamespace"
                " WHERE e.extname = 'pg_stat_statements'"
            )
            extension = await cursor.fetchone()
            if not live and extension is None:
                raise UsageError(
                    "pg_stat_statements is not in this database: CREATE EXTENSION pg_stat_statements"
                )
            statement: sql.SQL | sql.Composed = query("explain_live", 14)
            if not live and extension is not None:
                schema = sql.Identifier(_text(extension["nspname"]) or "")
                statement = query("explain_statement", 14).format(schema=schema)
            await cursor.execute(statement, {"queryid": queryid})
            row = await cursor.fetchone()
    except psycopg.Error as error:
        raise ExplainFailed(
            f"cannot look up queryid {queryid}: {error.diag.message_primary or error}"
        ) from None
    finally:
        await connection.close()
    if row is None:
        where = "no session shows it now" if live else "pg_stat_statements has no such entry"
        raise UsageError(f"queryid {queryid} is not known: {where}")
    return Found(
        _text(row["query"]) or "",
        _text(row["role"]),
        _text(row["database"]),
        row.get("text_limit"),
        row.get("mean_exec_time"),
        row.get("max_exec_time"),
    )


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
