"""The burst probe: one session looked at some 200 times a second, for less than a second."""

from __future__ import annotations

import asyncio
import time

from pgscope.dataclass import dataclass
from pgscope.sample import Burst, BurstRow
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.queries import query

HZ = 200.0
SECONDS = 0.8
LONGEST = 1.0
"""Seconds; a probe ends then however few looks it had."""


@dataclass(frozen=True)
class Probed:
    """A probe and the wall time of its round trips in ms, for pgscope's own cost."""

    burst: Burst
    spent_ms: float


async def probe(
    connection: Connection, pid: int, backend_start: float, *, hz: float = HZ, seconds: float = SECONDS
) -> Probed | None:
    """Look at one session; None if it is gone, is another by now, or may not be looked at.

    At most `LONGEST` seconds. Raises psycopg.Error if the connection is lost.
    """
    statement = query("burst", 14)
    seconds = min(seconds, LONGEST)
    cursor = connection.cursor(binary=True)
    rows: list[BurstRow] = []
    began = time.monotonic()
    who: tuple[int, int, str] | None = None
    spent, shortest = 0.0, float("inf")
    due = began
    while True:
        started = time.monotonic()
        if started - began >= seconds:
            break
        await cursor.execute(statement, {"pid": pid}, prepare=True)
        row = await cursor.fetchone()
        ended = time.monotonic()
        spent += ended - started
        shortest = min(shortest, ended - started)
        if row is None or row[0] is None or abs(row[0] - backend_start) > 0.001:
            break
        who = (row[1] or 0, row[2] or 0, name(row[3]))
        rows.append(BurstRow(started, row[5], row[6], row[7], name(row[4])))
        due = max(due + 1.0 / hz, ended)
        await asyncio.sleep(due - ended)
    if who is None:
        return None
    burst = Burst(time.time(), time.monotonic(), pid, backend_start, *who, tuple(rows), shortest * 1000.0)
    return Probed(burst, spent * 1000.0)
