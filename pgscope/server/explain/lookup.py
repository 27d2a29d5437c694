"""A statement's text and owner by its queryid: from pg_stat_statements, or live from a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pgscope.dataclass import dataclass
from pgscope.errors import UsageError
from pgscope.server.connection import Connection, answered, connect
from pgscope.server.conninfo import Target
from pgscope.server.decode import codec_of
from pgscope.server.elsewhere import (
    RAW,
    UNCONVERTIBLE,
    There,
    encoding_of,
    first_that_can,
    places,
    schema_of_statements,
)
from pgscope.server.explain.request import ExplainFailed
from pgscope.server.queries import query
from pgscope.server.really import connect_to

_Row: TypeAlias = "dict[str, Any]"
_OWN = sql.SQL("select /* pgscope */ pg_catalog.current_database()::text as name")


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
        row = await answered(
            target, _live(connection, queryid) if live else _counted(connection, target, queryid)
        )
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error)
        advice = ""
        if error.sqlstate in UNCONVERTIBLE:
            advice = "; --values-from live takes the text of a session, where one runs it"
        raise ExplainFailed(f"cannot look up queryid {queryid}: {reason}{advice}") from None
    finally:
        await connection.close()
    if row is None:
        where = "no session shows it now" if live else "pg_stat_statements has no such entry"
        raise UsageError(f"queryid {queryid} is not known: {where}")
    return Found(
        _text(row["query"], codec_of(_text(row["encoding"]) or "")) or "",
        _text(row["role"]),
        _text(row["database"]),
        row.get("text_limit"),
        row.get("mean_exec_time"),
        row.get("max_exec_time"),
    )


async def _live(connection: Connection, queryid: int) -> _Row | None:
    return await _one(connection, query("explain_live", 14), {"queryid": queryid})


async def _counted(connection: Connection, target: Target, queryid: int) -> _Row | None:
    """The entry of pg_stat_statements, read in another database where texts cannot be converted here."""
    schema = await schema_of_statements(connection)
    if schema is None:
        raise UsageError("pg_stat_statements is not in this database: CREATE EXTENSION pg_stat_statements")
    try:
        return await _entry(There(connection, schema, encoding_of(connection)), queryid)
    except psycopg.Error as error:
        if error.sqlstate not in UNCONVERTIBLE:
            raise
        own = await _one(connection, _OWN, {})
        database = _text(own["name"]) if own is not None else None

        async def read(there: There) -> tuple[_Row | None]:
            return (await _entry(there, queryid, database),)

        where = await places(connection)
        found = await first_that_can(where, lambda name: connect_to(target, name), read)
        if found is None:
            raise
        return found[0]


async def _entry(there: There, queryid: int, database: str | None = None) -> _Row | None:
    """The entry, that of a database before those of others: of the one connected to by default."""
    statement = query("explain_statement", 14).format(schema=sql.Identifier(there.schema))
    row = await _one(there.connection, statement, {"queryid": queryid, "database": database})
    # Converted to the encoding of the database asked; raw, in that of its own, in a SQL_ASCII one.
    return row if row is None or there.encoding == RAW else {**row, "encoding": there.encoding}


async def _one(
    connection: Connection, statement: sql.SQL | sql.Composed, params: Mapping[str, object]
) -> _Row | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, params)
        return await cursor.fetchone()


def _text(value: object, codec: str = "utf-8") -> str | None:
    if isinstance(value, bytes):
        return value.decode(codec, "replace")
    return value if isinstance(value, str) else None
