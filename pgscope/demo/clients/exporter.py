"""How many products are there? All of them are fetched to find out."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from pgscope.demo.shop_sqlalchemy import Product, engine

SESSIONS = 1


def session(conninfo: str, _chance: random.Random) -> Iterator[float]:
    """Count the products of the whole shop, the expensive way."""
    pool = engine(conninfo)
    while True:
        with Session(pool) as database:
            len(database.scalars(select(Product)).all())
        yield 2.0
