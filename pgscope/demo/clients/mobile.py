"""A customer's latest invoices: quick, unless a migration stands in the way."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

SESSIONS = 3

_INVOICES = """
SELECT id, issued_on, due_on, status FROM invoices WHERE customer_id = %s ORDER BY id DESC LIMIT 5
"""


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Show invoices."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while True:
            connection.execute(_INVOICES, [chance.randint(1, 3000)]).fetchall()
            yield 0.5
