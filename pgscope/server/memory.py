"""The memory of our backends: kept from one poll to the next, in place of being asked for anew each time.

glibc gives what is freed at the end of the heap back to the system, and keeps the more the larger the blocks
are that it has seen freed (M_MMAP_THRESHOLD in mallopt(3)). A poll takes megabytes for a moment, in small
blocks: its backend may give them back each time, and take them again page by page. With 1,000 sessions that
is 300 to 500 page faults a poll or look, and a third to a half of what it costs.
"""

from __future__ import annotations

import psycopg

from pgscope.server.connection import Connection
from pgscope.server.facts import OLDEST
from pgscope.server.queries import query

_BLOCK = 8_000
"""kB that are freed once: up to twice as many are kept then, as far as they were ever used."""


async def keep(connection: Connection) -> None:
    """Have the backend keep what its queries free; takes 5 to 8 ms of its time, once.

    Raises psycopg.Error if the connection is lost. Where it cannot be had, all stays as it is.
    """
    try:
        # As a parameter: a constant would be worked out, and copied, while it is planned.
        await connection.execute(query("memory", OLDEST), {"kilobytes": _BLOCK}, prepare=False)
    except psycopg.Error:
        if connection.closed or connection.broken:
            raise
