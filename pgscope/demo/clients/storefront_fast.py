"""A page of orders that are kept, its items loaded with one more query, or with none."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from pgscope.demo.shop_sqlalchemy import Order, engine

SESSIONS = 2


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Show pages of 5 to 30 orders, half of them with each way of loading."""
    pool = engine(conninfo, route="/orders")
    while True:
        with Session(pool) as database:
            newest = chance.randint(100, 20_000)
            load = chance.choice((selectinload, joinedload))(Order.items)
            page = select(Order).where(Order.id <= newest, Order.status != "returned").options(load)
            total = 0
            page = page.order_by(Order.id.desc())
            for order in database.scalars(page.limit(chance.randint(5, 30))).unique():
                total += sum(item.quantity * item.unit_price_cents for item in order.items)
        yield 0.6
