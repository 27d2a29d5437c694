"""Whether a connection is a session of its own, or lent by a pooler for one transaction at a time.

The settings of a session that a pooler lends to others would become theirs: `default_transaction_read_only`
would keep applications from writing. So pgscope sets nothing before it knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import psycopg
from psycopg.rows import TupleRow

from pgscope.errors import ConnectionFailed

_Connection: TypeAlias = "psycopg.AsyncConnection[TupleRow]"
_TRIES = 10
"""Looks at who serves whom: other clients of the pool may come in between."""
_PATIENCE = 3.0
"""Seconds to wait for a second session; a pool in session mode may have none to give."""


async def require_own_session(connection: _Connection, again: Callable[[], Awaitable[_Connection]]) -> None:
    """Raise ConnectionFailed if others may get the session behind this connection between two statements.

    `again` opens a second connection to the same pool, closed here. Raises psycopg.Error.
    """
    if await _lent(connection, again):
        raise ConnectionFailed(
            "a pooler such as PgBouncer, in transaction or statement mode, lends a session for one "
            "transaction at a time, and pgscope needs one of its own: connect to the server itself (its own "
            "host and port), or to a pool with pool_mode = session"
        )


async def _lent(connection: _Connection, again: Callable[[], Awaitable[_Connection]]) -> bool:
    first = await _pid(connection)
    try:
        second = await asyncio.wait_for(again(), _PATIENCE)
    except (asyncio.TimeoutError, psycopg.OperationalError):
        # No more sessions to be had while we hold one: it is ours.
        return await _pid(connection) != first
    try:
        for _ in range(_TRIES):
            # In session mode the two never have the same backend, and neither ever changes it.
            pids = await _pid(connection), await asyncio.wait_for(_pid(second), _PATIENCE)
            if pids[0] == pids[1] or pids[0] != first:
                return True
    except asyncio.TimeoutError:
        return await _pid(connection) != first
    finally:
        await second.close()
    return False


async def _pid(connection: _Connection) -> int:
    cursor = await connection.execute("select pg_catalog.pg_backend_pid()", prepare=False)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
