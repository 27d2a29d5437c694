"""A page of questions, and for each question one more query for its choices."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pgscope.demo.django_settings import configure

SESSIONS = 1


def session(conninfo: str, chance: random.Random) -> Iterator[float]:
    """Show pages of 4 to 20 questions."""
    configure(conninfo)
    from django.db import connection

    from pgscope.demo.shop_django import Question

    connection.close()
    while True:
        first = chance.randint(1, 700)
        for question in Question.objects.filter(id__gte=first).order_by("id")[: chance.randint(4, 20)]:
            sum(choice.votes for choice in question.choice_set.all())
        yield 1.0
