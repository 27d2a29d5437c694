"""Numbers for people: few digits, always a unit, never wider than told, so that columns do not jump."""

from __future__ import annotations

import math

NONE = "-"
"""What stands for a number that is not known."""
UNKNOWN = "?"
"""What stands for a number that there is, but that this role may not see."""

_COUNT_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTE_UNITS = ((2.0**50, "PB"), (2.0**40, "TB"), (2.0**30, "GB"), (2.0**20, "MB"), (2.0**10, "kB"))


def count(value: float | None) -> str:
    """A number or a rate in at most 5 characters: 0, 0.25, 7.5, 42, 1.2k, 340k, 12M."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 0:
        return "-" + count(-value)
    if value < 999.5:
        return _digits(value)
    for limit, unit in _COUNT_UNITS:
        if value >= limit * 0.9995:
            return _three(value / limit) + unit
    return _three(value)


def _digits(value: float) -> str:
    """Below 1,000: two decimals below 1, one below 10, none of which are zeros only."""
    if value == 0:
        return "0"
    if value < 0.005:
        return "<.01"
    if value == int(value):
        return str(int(value))
    if value < 0.995:
        return f"{value:.2f}"
    return f"{value:.1f}".removesuffix(".0") if value < 99.95 else f"{value:.0f}"


def _three(value: float) -> str:
    """Two or three digits: 1.2, 12, 340."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def seen(value: int, hidden: int) -> str:
    """A number of sessions where so many others are hidden: `?` if it may be anything, `3+` if at least 3."""
    if not hidden:
        return str(value)
    return f"{value}+" if value else UNKNOWN


def whole(value: float | None) -> str:
    """A whole number with a comma at each thousand, for where there is room."""
    return NONE if value is None or not math.isfinite(value) else f"{value:,.0f}"


def millis(value: float | None) -> str:
    """A time given in ms, in at most 6 characters: 0.04ms, 1.2ms, 123ms, 1.2s, 34s, 2m03s, 1h02m."""
    if value is None or not math.isfinite(value):
        return NONE
    if value <= 0:
        return "0ms"
    if value < 0.005:
        return "<.01ms"
    if value < 0.995:
        return f"{value:.2f}ms"
    if value < 99.5:
        return (f"{value:.1f}" if value < 9.95 else f"{value:.0f}") + "ms"
    if value < 999.5:
        return f"{value:.0f}ms"
    return seconds(value / 1000.0)


def seconds(value: float | None) -> str:
    """A time given in seconds, in at most 6 characters: 0.0s, 3.2s, 42s, 2m03s, 1h02m, 3d04h, 420d."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 9.95:
        return f"{max(value, 0.0):.1f}s"
    if value < 59.5:
        return f"{value:.0f}s"
    total = round(value)
    if total < 3600:
        return f"{total // 60}m{total % 60:02d}s"
    if total < 86400:
        return f"{total // 3600}h{total % 3600 // 60:02d}m"
    if total < 100 * 86400:
        return f"{total // 86400}d{total % 86400 // 3600:02d}h"
    return f"{total // 86400}d"


def about(value: float | None) -> str:
    """Like `seconds`, but from a minute on without the seconds: for what nobody counts."""
    if value is None or not 59.5 <= value < 3600:
        return seconds(value)
    return f"{int(value + 0.5) // 60}m"


def size(value: float | None) -> str:
    """Bytes, in at most 6 characters: 0B, 512B, 8.0kB, 12MB, 1.5GB."""
    if value is None or not math.isfinite(value):
        return NONE
    for limit, unit in _BYTE_UNITS:
        if value >= limit * 0.9995:
            return _three(value / limit) + unit
    return f"{value:.0f}B"


def percent(fraction: float | None) -> str:
    """A part of one as a percentage in at most 5 characters: 0%, <0.1%, 7.5%, 99.8%, 100%.

    Nearly all is never shown as all, nor nearly nothing as nothing.
    """
    if fraction is None or not math.isfinite(fraction):
        return NONE
    value = fraction * 100.0
    if value <= 0:
        return "0%"
    if value < 0.05:
        return "<0.1%"
    if value >= 99.95:
        return "100%" if value >= 99.9999 else "99.9%"
    return f"{value:.1f}%"
