"""A page of orders whose items are loaded lazily: one more query for each order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from pgscope.demo.shop_sqlalchemy import Order, engine

SESSIONS = 2


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Show pages of 5 to 30 orders."""
    pool = engine(conninfo, route="/orders")
    while True:
        with Session(pool) as database:
            newest = chance.randint(100, 20_000)
            page = select(Order).where(Order.id <= newest).order_by(Order.id.desc())
            total = 0
            for order in database.scalars(page.limit(chance.randint(5, 30))):
                total += sum(item.quantity * item.unit_price_cents for item in order.items)
        yield 0.6
