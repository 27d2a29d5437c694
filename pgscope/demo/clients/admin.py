"""A list of orders with the customer's name on each: one more query for each order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pgscope.demo.django_settings import configure

SESSIONS = 1


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Show lists of 5 to 25 orders."""
    configure(conninfo)
    from django.db import connection

    from pgscope.demo.shop_django import Order, tagged

    connection.close()
    with connection.execute_wrapper(tagged("/admin/orders")):
        while True:
            newest = chance.randint(100, 20_000)
            for order in Order.objects.filter(id__lte=newest).order_by("-id")[: chance.randint(5, 25)]:
                order.customer.name.upper()
            yield 0.8
