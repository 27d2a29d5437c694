"""Look-ups by key, each a request of its own. As many calls as an N+1 has, and none of it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

SESSIONS = 4

_PRODUCT = "SELECT id, name, price_cents, stock FROM products WHERE id = %s"
_CUSTOMER = "SELECT id, name, email FROM customers WHERE id = %s"


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Answer requests for one product or one customer."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while True:
            if chance.random() < 0.7:
                connection.execute(_PRODUCT, [chance.randint(1, 2000)]).fetchone()
            else:
                connection.execute(_CUSTOMER, [chance.randint(1, 3000)]).fetchone()
            yield 0.1
