"""Whether a connection is a session of its own, or lent by a pooler for one transaction at a time.

The settings of a session that a pooler lends to others would become theirs: `default_transaction_read_only`
would keep applications from writing. So pgscope sets nothing before it knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import TupleRow

from pgscope.ending import within
from pgscope.errors import ConnectionFailed

_Connection: TypeAlias = "psycopg.AsyncConnection[TupleRow]"
_ROUNDS = 12
"""Looks at who serves whom. A quiet pool is known at the first, a busy one within a few."""
_BETWEEN = 0.05
"""Seconds from one to the next, in which others may be lent what was ours."""
_PATIENCE = 3.0
"""Seconds to wait for a second session; a pool in session mode may have none to give."""


async def require_own_session(
    connection: _Connection, again: Callable[[], Coroutine[Any, Any, _Connection]]
) -> None:
    """Raise ConnectionFailed if others may get the session behind this connection between two statements.

    `again` opens a second connection to the same pool, closed here. Raises psycopg.Error.
    """
    try:
        lent = await _lent(connection, again)
    except asyncio.TimeoutError:
        raise ConnectionFailed(
            "a pooler such as PgBouncer has no session to give for now: connect to the server itself (its "
            "own host and port), or give the pool more"
        ) from None
    if lent:
        raise ConnectionFailed(
            "a pooler such as PgBouncer, in transaction or statement mode, lends a session for one "
            "transaction at a time, and pgscope needs one of its own: connect to the server itself (its own "
            "host and port), or to a pool with pool_mode = session"
        )


class _Client:
    """One of our connections, and the backend that served it last."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.pid = 0
        self._transactions = 0

    async def look(self) -> bool:
        """Whether, since the last look, another backend serves us, or ours has served somebody else.

        A backend numbers its transactions, and shows the number of its own in pg_locks: without anybody else
        it goes up by one from look to look.
        """
        cursor = await self._connection.execute(
            "select /* pgscope */ pid, pg_catalog.split_part(virtualtransaction, '/', 2)::bigint"
            " from pg_catalog.pg_locks where locktype = 'virtualxid' and pid = pg_catalog.pg_backend_pid()",
            prepare=False,
        )
        row = await cursor.fetchone()
        if row is None:
            return False
        before = (self.pid, self._transactions + 1)
        self.pid, self._transactions = int(row[0]), int(row[1])
        return before[0] != 0 and before != (self.pid, self._transactions)


async def _lent(connection: _Connection, again: Callable[[], Coroutine[Any, Any, _Connection]]) -> bool:
    first = _Client(connection)
    await within(3 * _PATIENCE, first.look())
    try:
        other = await within(_PATIENCE, again())
    except (asyncio.TimeoutError, psycopg.OperationalError):
        # No more sessions to be had: a pool in session mode may be full, and then ours stays ours.
        return await _told([first])
    try:
        second = _Client(other)
        try:
            await within(_PATIENCE, second.look())
        except asyncio.TimeoutError:
            return await _told([first])
        return first.pid == second.pid or await _told([first, second])
    finally:
        await other.close()


async def _told(clients: list[_Client]) -> bool:
    """Look for signs of lending. Twice in a row: a pooler that goes round gives another backend then; one
    after the other: one that gives what came back last gives both the same.
    """
    for _ in range(_ROUNDS):
        for client in clients:
            for _ in range(2):
                if await within(3 * _PATIENCE, client.look()):
                    return True
        if len({client.pid for client in clients}) < len(clients):
            return True
        await asyncio.sleep(_BETWEEN)
    return False
