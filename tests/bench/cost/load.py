"""A server in the state that hurts: many sessions, many long statements, many that wait for a lock."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from string import ascii_lowercase

import psycopg

ADDRESS = "127.0.0.77"
"""A loopback address of its own: no other server is in the way, and a client is not taken for a local one."""
MARK = "bench_marker"
TEXT_BYTES = 9_400
SETTINGS = {
    "listen_addresses": ADDRESS,
    "shared_buffers": "64MB",
    "pg_stat_statements.max": "6000",
    "pg_stat_statements.track_utility": "off",
    "track_activity_query_size": "1024",
    # 500 sessions in one queue look for deadlocks for seconds, once; that is not what is measured.
    "deadlock_timeout": "1h",
}


def fill_statements(conninfo: str, many: int) -> tuple[int, int]:
    """Make so many entries of long texts; returns how many there are and their bytes."""
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for number in range(many):
            # The signs are the bits of the number: each another tree.
            signs = "".join("+-"[number >> bit & 1] + "1" for bit in range(13))
            connection.execute(f"SELECT 1{signs} /* {_columns(number)} */".encode())
        row = connection.execute(
            "SELECT count(*), coalesce(sum(length(query)), 0) FROM pg_stat_statements"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@cache
def _names() -> tuple[str, ...]:
    letters = random.Random(0)
    return tuple("_".join("".join(letters.choices(ascii_lowercase, k=5)) for _ in "12") for _ in range(500))


def _columns(number: int) -> str:
    """What an ORM asks of thirty joined tables: it can be compressed to a third, as long SQL can at least."""
    names = _names()
    some = random.Random(number)
    columns = (f't{n}."{name}" AS "t{n}_{name}"' for n in range(30) for name in some.sample(names, 12))
    return ", ".join(columns)[:TEXT_BYTES]


class Sessions:
    """Open sessions of twenty applications: most idle, some always active, some working now and then."""

    def __init__(self, conninfo: str, many: int) -> None:
        self._conninfo = conninfo
        with psycopg.connect(conninfo, autocommit=True) as setup:
            setup.execute("CREATE TABLE IF NOT EXISTS queue_of_one (id int PRIMARY KEY, n int)")
            setup.execute("INSERT INTO queue_of_one VALUES (1, 0) ON CONFLICT DO NOTHING")
        with ThreadPoolExecutor(16) as pool:
            self.connections = list(pool.map(self._open, range(many)))
        self._stop = threading.Event()
        self._waiters: list[psycopg.Connection] = []
        self._holder: psycopg.Connection | None = None
        for connection in self.connections[:8]:
            connection.pgconn.send_query(f"SELECT pg_sleep(100000) AS {MARK}".encode())
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def _open(self, number: int) -> psycopg.Connection:
        name = f"{MARK}_{number % 20}"
        return psycopg.connect(self._conninfo, autocommit=True, application_name=name, prepare_threshold=None)

    def _work(self) -> None:
        """About twenty short statements a second, each by the next session."""
        place = 0
        idle = self.connections[8:]
        while not self._stop.wait(0.05):
            connection = idle[place % max(len(idle) // 2, 1)]
            if connection not in self._waiters:
                connection.execute("SELECT count(*) FROM queue_of_one")
            place += 1

    @contextmanager
    def waiting(self, many: int) -> Iterator[None]:
        """So many sessions wait for one row meanwhile."""
        if not many:
            yield
            return
        self._holder = psycopg.connect(self._conninfo, application_name=f"{MARK}_holder")
        self._holder.execute("UPDATE queue_of_one SET n = 0 WHERE id = 1")
        self._waiters = self.connections[-many:]
        for connection in self._waiters:
            connection.pgconn.send_query(b"UPDATE queue_of_one SET n = n + 1 WHERE id = 1")
        time.sleep(2.0)
        try:
            yield
        finally:
            self._holder.close()
            for connection in self._waiters:
                while connection.pgconn.get_result() is not None:
                    pass
            self._waiters = []

    def close(self) -> None:
        """End them all."""
        self._stop.set()
        self._worker.join()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda connection: connection.close(), self.connections))
