"""Reading untrusted JSON: each value as the type it should have, or a default; nothing here raises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

LIMIT = 1e18
"""Larger numbers are cut: sums of some thousand nodes stay finite."""


def number(value: object, default: float = 0.0) -> float:
    """A finite number between -LIMIT and LIMIT, or the default."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    if isinstance(value, int):
        return float(max(min(value, int(LIMIT)), -int(LIMIT)))
    return max(min(value, LIMIT), -LIMIT) if not math.isnan(value) else default


def amount(value: object) -> float:
    """A number that cannot be negative."""
    return max(number(value), 0.0)


def optional(value: object) -> float | None:
    """A number that cannot be negative, or None where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return amount(value)


def text(value: object) -> str:
    """A string, or the empty one."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, object]:
    """A JSON object, or an empty one."""
    if not isinstance(value, Mapping):
        return {}
    return {key: item for key, item in value.items() if isinstance(key, str)}


def items(value: object) -> Sequence[object]:
    """A JSON array, or an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def strings(value: object) -> tuple[str, ...]:
    """The strings of an array, or the one string."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in items(value) if isinstance(item, str))
