"""Counters to deltas: what each statement did between two polls, with no negative rate and no spike, ever.

A counter that went down, an entry that was made anew, or a reset starts the delta over: what an entry counted
since its restart is taken as new only where it is known to have begun inside the interval.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter, sub
from typing import Any, NamedTuple, TypeAlias

from pgscope.dataclass import dataclass
from pgscope.sample import Poll, StatementCounters, StatementKey, StatementsInfo


class Counts(NamedTuple):
    """What a statement did: sums over some time. Times in ms, blocks of the server's size, WAL in bytes."""

    calls: float = 0
    rows: float = 0
    exec_time: float = 0.0
    plan_time: float = 0.0
    shared_hit: float = 0
    shared_read: float = 0
    shared_dirtied: float = 0
    shared_written: float = 0
    temp_read: float = 0
    temp_written: float = 0
    read_time: float = 0.0
    write_time: float = 0.0
    wal_bytes: float = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*[a + b for a, b in zip(self, other, strict=True)])

    def minus(self, other: Counts) -> Counts:
        """What is left without the other; not below zero."""
        left = Counts._make(map(sub, self, other))
        return left if min(left) >= 0 else Counts._make([max(one, 0) for one in left])

    def times(self, factor: float) -> Counts:
        """This share of everything (or, with 1/seconds, rates)."""
        return Counts(*[a * factor for a in self])


NOTHING = Counts()


_ADDITIVE: Callable[[StatementCounters], tuple[Any, ...]] = itemgetter(
    *map(
        StatementCounters._fields.index,
        (
            "calls",
            "rows",
            "total_exec_time",
            "total_plan_time",
            "shared_blks_hit",
            "shared_blks_read",
            "shared_blks_dirtied",
            "shared_blks_written",
            "temp_blks_read",
            "temp_blks_written",
            "blk_read_time",
            "blk_write_time",
            "wal_bytes",
        ),
    )
)
"""By place, in the order of `Counts`: of thousands of entries, twice each."""


def counts_of(row: StatementCounters) -> Counts:
    """The additive counters of an entry."""
    return Counts._make(_ADDITIVE(row))


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of them all."""
    result = NOTHING
    for one in counts:
        result = result.plus(one)
    return result


@dataclass(frozen=True)
class Interval:
    """What all statements did between two reads of the counters.

    `seconds` is 0 and `deltas` empty for the first read and after a restart: nothing can be said then.
    Only statements that did something are in `deltas`.
    """

    at: float
    mono: float
    seconds: float
    deltas: Mapping[StatementKey, Counts]
    evictions: int = 0
    """Rise of pg_stat_statements_info.dealloc: times that the least used entries were thrown out."""
    reset: bool = False


_Changed: TypeAlias = "tuple[StatementKey, StatementCounters | None, StatementCounters]"
"""An entry, its counters before (None: it was not there) and now."""


class StatementDeltas:
    """A fold over polls: the counters before, and what came of them."""

    def __init__(self) -> None:
        self._before: dict[StatementKey, StatementCounters] = {}
        self._read: tuple[StatementCounters, ...] = ()
        self._mono: float | None = None
        self._info: StatementsInfo | None = None
        self.touched: list[StatementKey] = []
        """The entries whose counters are others since the last poll."""
        self.arranged = 0
        """Rises when entries come, go or move."""

    def restart(self) -> None:
        """Forget the counters before: the connection was lost, and the server may have restarted."""
        self._mono = None

    @property
    def entries(self) -> Mapping[StatementKey, StatementCounters]:
        """The counters as last read."""
        return self._before

    def feed(self, poll: Poll) -> Interval | None:
        """The interval that this poll ends; None if it did not read the counters."""
        if poll.statements is None:
            return None
        changed = self._changed(poll.statements)
        self.touched = [key for key, _, _ in changed]
        mono_before, info_before = self._mono, self._info
        self._mono, self._info = poll.mono, poll.statements_info
        if mono_before is None:
            return Interval(poll.at, poll.mono, 0.0, {})
        evictions, reset = _between(info_before, poll.statements_info)
        complete = evictions == 0 and not reset
        deltas: dict[StatementKey, Counts] = {}
        for key, old, row in changed:
            delta = _delta(old, row, complete)
            if delta is not None and delta.calls > 0:
                deltas[key] = delta
        return Interval(poll.at, poll.mono, poll.mono - mono_before, deltas, evictions, reset)

    def _changed(self, now: tuple[StatementCounters, ...]) -> list[_Changed]:
        """Rows that are not the objects they were, each with the one before; brings `entries` up to now."""
        last, self._read = self._read, now
        if len(last) == len(now):
            pairs = [(one, row) for one, row in zip(last, now, strict=True) if one is not row]
            if all(one[:4] == row[:4] for one, row in pairs):
                found: list[_Changed] = [(row.key, one, row) for one, row in pairs]
                self._before.update((key, row) for key, _, row in found)
                return found
        before = self._before
        self._before = {row.key: row for row in now}
        self.arranged += 1
        return [(key, old, row) for key, row in self._before.items() if (old := before.get(key)) is not row]


def _between(before: StatementsInfo | None, now: StatementsInfo | None) -> tuple[int, bool]:
    if before is None or now is None:
        return 0, False
    if before.stats_reset != now.stats_reset:
        return 0, True
    return max(now.dealloc - before.dealloc, 0), False


def _delta(old: StatementCounters | None, row: StatementCounters, complete: bool) -> Counts | None:
    """The rise of one entry, or None where it cannot be known.

    From 17 `stats_since` tells entries apart: a new one counts in full (also an old one not seen
    before, which had no finished call yet). Before 17 it does so only if nothing was evicted or reset in
    between: an entry thrown out and made anew is then impossible.
    """
    if row.stats_since is not None and (old is None or old.stats_since != row.stats_since):
        return counts_of(row)
    if old is not None:
        if row.calls == old.calls:
            return None
        if row.calls > old.calls and row.total_exec_time >= old.total_exec_time:
            return counts_of(row).minus(counts_of(old))
        return None
    return counts_of(row) if complete else None


class EvictionWatch:
    """A fold over intervals: says when pg_stat_statements throws out entries too often to be trusted.

    Each eviction loses a twentieth of the entries, and with them what they counted.
    """

    def __init__(self, statements_max: int, seconds: float = 60.0, most: int = 3) -> None:
        """`statements_max` is the setting; more than `most` evictions in `seconds` are a storm."""
        self._max = statements_max
        self._seconds = seconds
        self._most = most
        self._recent: deque[tuple[float, int]] = deque()

    def feed(self, interval: Interval) -> None:
        """Take in an interval."""
        if interval.evictions:
            self._recent.append((interval.mono, interval.evictions))
        while self._recent and self._recent[0][0] <= interval.mono - self._seconds:
            self._recent.popleft()

    @property
    def warning(self) -> str:
        """One line with the setting to raise, or ''."""
        count = sum(evictions for _, evictions in self._recent)
        if count <= self._most:
            return ""
        return (
            f"pg_stat_statements threw out its least used entries {count} times in {self._seconds:.0f} s: "
            f"calls are missing; raise pg_stat_statements.max above {self._max} (needs a restart)"
        )
