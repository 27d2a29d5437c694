"""Turnover by product: reads every line of every order, and sorts them on disk."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

SESSIONS = 1

_TURNOVER = """
SELECT p.name, o.status, i.unit_price_cents,
    sum(i.quantity * i.unit_price_cents) OVER (PARTITION BY p.id ORDER BY o.placed_at) AS turnover_cents
FROM order_items AS i
JOIN orders AS o ON o.id = i.order_id
JOIN products AS p ON p.id = i.product_id
WHERE o.placed_at >= now() - %s * interval '1 day'
ORDER BY turnover_cents DESC
LIMIT 50
"""


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Compute a report with less memory than it needs."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET work_mem = '256kB'")
        while True:
            connection.execute(_TURNOVER, [chance.randint(40, 90)]).fetchall()
            yield 3.0
