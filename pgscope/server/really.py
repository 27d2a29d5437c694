"""What a database or a role is really called, from its name as it is shown: cleaned, on its way in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

import psycopg

from pgscope.errors import ConnectionFailed
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection, answered, connect
from pgscope.server.conninfo import Target
from pgscope.server.decode import name
from pgscope.server.queries import query

Kind = Literal["d", "r"]
"""A database or a role, as `names-14.sql` has it."""


async def connect_to(
    target: Target, database: str | None, *, statement_timeout_ms: int | None = None
) -> Connection:
    """Connect to the database that is shown so, on the target's server; by default to the target's own.

    Raises as `connect` does, and ConnectionFailed where several databases are shown alike.
    """
    if not database:
        return await connect(target, statement_timeout_ms=statement_timeout_ms)
    called = database
    if not database.isascii():
        connection = await connect(target)
        try:
            called = await answered(target, really(connection, "d", database))
        finally:
            await connection.close()
    return await connect(target.with_database(called), statement_timeout_ms=statement_timeout_ms)


async def really(connection: Connection, kind: Kind, shown: str) -> str:
    """The name that is shown so; `shown` itself if there is none, or the server does not tell.

    The connection must be as `connect` made it. Raises ConnectionFailed where several are shown alike.
    """
    if shown.isascii():  # cleaning leaves a sign that is not
        return shown
    rows: Iterable[tuple[bytes | str, ...]] = ()
    with suppress(psycopg.Error):
        rows = (await batch.run(connection, [Statement("names", query("names", 14))])).rows.get("names", ())
    called = {_raw(row[2]) for row in rows if name(row[0]) == kind and name(row[2]) == shown}
    if shown in called or not called:
        return shown
    if len(called) > 1:
        things = "databases" if kind == "d" else "roles"
        raise ConnectionFailed(f"several {things} have names that are shown as {shown}: which is meant?")
    return called.pop()


def _raw(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
