"""Times as every report writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def iso(at: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond; None for None."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
