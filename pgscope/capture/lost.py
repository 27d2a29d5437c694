"""A connection that is lost or refused: how that shows, what to say of it, and when to try again."""

from __future__ import annotations

import asyncio
import random

import psycopg

from pgscope.text import clean, one_line

ANSWER = 20.0
"""Seconds until a server that does not answer counts as lost."""
LASTED = 5.0
"""Seconds after which a connection was worth making: the next attempt need not be put off."""
BACKOFF_MOST = 10.0
"""Seconds between attempts to connect again, at the most."""

LOST = (psycopg.OperationalError, psycopg.InterfaceError, OSError, asyncio.TimeoutError)


def backoff(attempt: int, most: float | None = None) -> float:
    """Seconds to wait before the next attempt: doubling, bounded, and not in step with other clients."""
    bound = BACKOFF_MOST if most is None else most
    # Of a server that stays away for hours the power would be too great a number.
    return min(0.5 * 2.0 ** min(attempt, 30), bound) * random.uniform(0.75, 1.25)


def why(error: BaseException) -> str:
    """What to say of it, in a line."""
    if isinstance(error, asyncio.TimeoutError):
        return f"no answer for {ANSWER:g} s"
    return one_line(clean(str(error))) or type(error).__name__
