"""The same list of orders, with its customers joined and its items prefetched."""

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
    orders = Order.objects.select_related("customer").prefetch_related("items")
    with connection.execute_wrapper(tagged("/admin/orders")):
        while True:
            newest = chance.randint(100, 20_000)
            for order in orders.filter(id__lte=newest).order_by("-id")[: chance.randint(5, 25)]:
                order.customer.name.upper()
                sum(item.quantity for item in order.items.all())
            yield 0.8
