"""A queue worker: takes the next job that no other worker holds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

SESSIONS = 2

_TAKE = """
SELECT id, kind FROM jobs WHERE run_at <= now() ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_FINISH = "UPDATE jobs SET run_at = now() + interval '20 seconds', runs = runs + 1 WHERE id = %s"


def session(conninfo: str, _chance: random.Random) -> Iterator[float]:
    """Take a job, do it, put it back for later."""
    with psycopg.connect(conninfo) as connection:
        while True:
            with connection.transaction():
                job = connection.execute(_TAKE).fetchone()
                if job is not None:
                    yield 0.02
                    connection.execute(_FINISH, [job[0]])
            yield 0.1
