"""Shares from pg_stat_monitor, which counts the calls of each application itself."""

from __future__ import annotations

from pgscope.analysis.attribution.shares import Share, normalised
from pgscope.sample import Monitored, StatementKey

_BASIS = ("pg_stat_monitor counts its calls by application",)
_LONGEST_BUCKET = 120.0
"""Seconds that a bucket may have begun before the window and still say what happened in it."""
_KEPT = 900.0
"""Seconds after which a bucket counts no more, and goes into the sums of the whole watch."""

_Calls = dict[StatementKey, dict[str, int]]


class MonitorBook:
    """A fold over reads of pg_stat_monitor. A bucket is read several times, and its last state counts."""

    def __init__(self) -> None:
        self._buckets: dict[float, _Calls] = {}
        self._closed: _Calls = {}
        self._at = 0.0

    def feed(self, sample: Monitored) -> None:
        """Take in a read."""
        self._at = sample.at
        fresh: dict[float, _Calls] = {}
        for row in sample.rows:
            key = StatementKey(row.userid, row.dbid, row.queryid, row.toplevel)
            fresh.setdefault(row.bucket_start, {}).setdefault(key, {})[row.application_name] = row.calls
        self._buckets.update(fresh)
        for start in [start for start in self._buckets if start < sample.at - _KEPT]:
            _add(self._closed, self._buckets.pop(start))

    def shares(self, key: StatementKey, seconds: float | None) -> tuple[Share, ...]:
        """The shares of a statement over the last `seconds`, or over all that was read; () if not seen."""
        calls: dict[str, int] = {}
        oldest = self._at - seconds - _LONGEST_BUCKET if seconds is not None else 0.0
        tables = [table for start, table in self._buckets.items() if start >= oldest]
        for table in (*tables, *([self._closed] if seconds is None else [])):
            for name, count in table.get(key, {}).items():
                calls[name] = calls.get(name, 0) + count
        whole = sum(calls.values())
        if whole <= 0:
            return ()
        parts = ((name, count, count / whole) for name, count in calls.items() if count > 0)
        return normalised(
            [Share(name, part, part, part, count, "exact", _BASIS) for name, count, part in parts]
        )


def _add(into: _Calls, other: _Calls) -> None:
    for key, by_name in other.items():
        mine = into.setdefault(key, {})
        for name, count in by_name.items():
            mine[name] = mine.get(name, 0) + count
