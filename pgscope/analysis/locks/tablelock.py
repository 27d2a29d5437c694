"""A lock that a statement takes on a table, as far as its text tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class TableLock:
    """A table lock to be taken."""

    relation: str
    """As it was written, with its schema if that was given; '' if the text does not name it."""
    mode: str
    """As pg_locks names it."""
    role: str = ""
    """What the table is to the statement ('referenced', 'the partition'); '' for the statement's own."""


def name_of(relation: dict[str, Any]) -> str:
    """The name of a RangeVar of the parser."""
    return full_name([relation.get("schemaname", ""), relation.get("relname", "")])


def full_name(parts: Sequence[str]) -> str:
    """schema.name of the parts that are there."""
    return ".".join(part for part in parts[-2:] if part)
