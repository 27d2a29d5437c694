"""Marks an invoice paid, then waits for a payment provider with the transaction still open."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import psycopg

SESSIONS = 1

HELD_SECONDS = 20.0
PAUSE_SECONDS = 10.0


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Hold a lock for a while, let go for a while."""
    with psycopg.connect(conninfo) as connection:
        while True:
            with connection.transaction():
                connection.execute(
                    "UPDATE invoices SET status = 'paid' WHERE id = %s", [chance.randint(1, 6000)]
                )
                # Not yielded: the scene is better for keeping time.
                time.sleep(HELD_SECONDS)
            time.sleep(PAUSE_SECONDS)
            yield 0.0
