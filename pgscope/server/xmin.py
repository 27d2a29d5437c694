"""What, besides sessions, holds back the oldest visible transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pgscope.sample import XminHolder
from pgscope.server.batch import Statement
from pgscope.server.decode import name
from pgscope.server.queries import query


def statement() -> Statement:
    """Reads slots, prepared transactions and standby feedback; for a poll's batch."""
    return Statement("xmin_holders", query("xmin_holders", 14))


def xmin_holders(rows: Iterable[tuple[Any, ...]]) -> tuple[XminHolder, ...]:
    """The rows of that statement, oldest first."""
    return tuple(XminHolder(name(kind), name(who), age or 0, name(detail)) for kind, who, age, detail in rows)
