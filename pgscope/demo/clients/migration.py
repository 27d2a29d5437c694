"""Adds a constraint: needs the table for itself, waits for billing, and everyone waits for it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
from psycopg import errors

SESSIONS = 1

_ALTER = """
ALTER TABLE invoices DROP CONSTRAINT IF EXISTS invoices_due_after_issue,
    ADD CONSTRAINT invoices_due_after_issue CHECK (due_on >= issued_on)
"""


def session(conninfo: str, _chance: random.Random) -> Iterator[float]:
    """Migrate, again and again; a lock timeout or a cancel is tried again later."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '30s'")
        while True:
            try:
                connection.execute(_ALTER)
            except (errors.LockNotAvailable, errors.QueryCanceled):
                yield 5.0
            else:
                yield 12.0
