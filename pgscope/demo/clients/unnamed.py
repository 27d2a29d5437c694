"""A script that sets no application_name: watches the stock."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

SESSIONS = 1


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Look for products that run out."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while True:
            connection.execute(
                "SELECT count(*) FROM products WHERE category_id = %s AND stock < 20", [chance.randint(1, 40)]
            ).fetchone()
            yield 1.0
