"""A backend that keeps its memory: nothing is asked of the system anew at each poll."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import target
from pgscope.server.memory import keep

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="page faults are read from /proc")


def faults(connection: Connection) -> int:
    """Of its backend so far (proc(5), minflt)."""
    line = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
    return int(line.rpartition(")")[2].split()[7])


async def megabytes(connection: Connection) -> int:
    """Have it take some megabytes in small blocks, as a poll of a large server does; the faults of that."""
    before = faults(connection)
    await connection.execute("select count(*) from generate_series(1, 60000) as n, repeat('x', 1)")
    return faults(connection) - before


async def test_memory_stays_from_one_poll_to_the_next(pg_database: str) -> None:
    connection = await connect(target(pg_database))
    try:
        await megabytes(connection)
        anew = await megabytes(connection)
        await keep(connection)
        await megabytes(connection)
        assert await megabytes(connection) < max(anew / 4, 20)
        assert anew > 100, "that is what it would be without"
    finally:
        await connection.close()


async def test_where_there_is_none_to_be_had_all_goes_on(pg_database: str) -> None:
    connection = await connect(target(pg_database), statement_timeout_ms=1)
    try:
        for _ in range(20):
            await keep(connection)
        assert not connection.closed
    finally:
        await connection.close()
