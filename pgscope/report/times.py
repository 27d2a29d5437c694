"""Times as every report writes them, and as people type them."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, timezone


def iso(at: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond; None for None."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def epoch(written: str) -> float:
    """What `iso` wrote, in epoch seconds."""
    return datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp()


def clock(at: float, start: float, end: float) -> str:
    """A moment in local time, as `moment` takes it, with its day if the others around it are of several."""
    first, last, one = (datetime.fromtimestamp(of).astimezone() for of in (start, end, at))
    day = "" if first.date() == one.date() == last.date() else "%Y-%m-%d "
    return one.strftime(f"{day}%H:%M:%S")


_SPAN = re.compile(r"([-+])(\d+(?:\.\d+)?)([smhd]?)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def extent(start: float, end: float) -> str:
    """From when to when a recording runs, in local time, as `moment` takes it."""
    first, last = (datetime.fromtimestamp(at).astimezone() for at in (start, end))
    day = "" if first.date() == last.date() else "%Y-%m-%d "
    return f"the recording runs from {first:%Y-%m-%d %H:%M:%S} to {last.strftime(day + '%H:%M:%S')}"


_MINUTE = 60.0


def within(at: float, start: float, end: float) -> float:
    """`at` if the recording has it; its first minute may be named without the seconds.

    Raises ValueError, with what the recording has, for a time before or after it.
    """
    if start - _MINUTE < at < start:
        return start
    if not start <= at <= end:
        raise ValueError(f"nothing was recorded then: {extent(start, end)}")
    return at


def _instants(local: datetime) -> tuple[float, float]:
    """When clocks here showed this: twice in the hour that is repeated in autumn, else both are the same.

    They never showed the hour that is left out in spring: it is reckoned from the offsets before and after.
    """
    first, second = sorted(local.replace(fold=fold).timestamp() for fold in (0, 1))
    return first, second


def moment(text: str, start: float, end: float) -> float:
    """The time that a person means, in a recording from `start` to `end` (epoch seconds).

    `2026-11-22 03:10` (local time unless it says otherwise), `03:10` (the last such time in it), `-10m`
    (before its end), `+90s` (after its start). Raises ValueError, with what is wanted, for anything else.
    """
    text = text.strip()
    if match := _SPAN.fullmatch(text):
        seconds = float(match[2]) * _UNITS[match[3]]
        return start + seconds if match[1] == "+" else end - seconds
    if match := _CLOCK.fullmatch(text):
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        if hour < 24 and minute < 60 and second < 60:
            of_day = time(hour, minute, second)
            today = datetime.fromtimestamp(end).date()
            days = [datetime.combine(day, of_day) for day in (today, today - timedelta(days=1))]
            return max(at for day in days for at in _instants(day) if at <= end)
    try:
        found = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
        if found.tzinfo is not None:
            return found.timestamp()
        first, last = _instants(found)
        return last if last <= end else first
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time; such as '2026-11-22 03:10', 03:10, -10m (before the end), +90s"
        ) from None
