"""The server's totals: the line above every view."""

from __future__ import annotations

from collections.abc import Iterable

from pgscope.analysis.activity import (
    is_active,
    is_hidden,
    is_idle_in_transaction,
    is_own,
    is_waiting_for_lock,
)
from pgscope.analysis.counters import Interval
from pgscope.analysis.fingerprints import FingerprintBook
from pgscope.analysis.roster import Roster
from pgscope.dataclass import dataclass
from pgscope.sample import DatabaseCounters, Poll


@dataclass(frozen=True)
class Totals:
    """Sessions now; rates per second of the last interval; None where it cannot be known (yet)."""

    sessions: int = 0
    """Clients, pgscope's own too: they count against max_connections."""
    own: int = 0
    active: int = 0
    idle_in_transaction: int = 0
    waiting: int = 0
    hidden: int = 0
    """Clients of which this role may not see what they do: each may be active, or idle in a transaction."""
    background: int = 0
    calls_per_s: float | None = None
    transactions_per_s: float | None = None
    cache_hit: float | None = None
    """Part of the blocks asked for that were found in shared buffers, 0 to 1."""
    deadlocks: int = 0
    """New ones since pgscope looks."""


class TotalsFold:
    """A fold over polls: rises of the databases' counters."""

    def __init__(self, roster: Roster | None = None) -> None:
        self._roster = roster or Roster()
        self._before: dict[int, DatabaseCounters] = {}
        self._mono: float | None = None
        self._deadlocks = 0
        self._calls: float | None = None

    def restart(self) -> None:
        """Forget the counters before: the connection was lost."""
        self._before = {}
        self._mono = None
        self._calls = None

    def feed(self, poll: Poll, interval: Interval | None, texts: FingerprintBook | None = None) -> Totals:
        """The totals as of this poll; `interval` if it read the statements' counters.

        What `texts` knows for pgscope's own is not counted among the calls.
        """
        if interval is not None:
            calls = sum(
                delta.calls for key, delta in interval.deltas.items() if texts is None or not texts.own(key)
            )
            self._calls = calls / interval.seconds if interval.seconds > 0 else None
        pairs = list(self._pairs(poll.databases))
        seconds = poll.mono - self._mono if self._mono is not None else 0.0
        self._before = {row.datid: row for row in poll.databases}
        self._mono = poll.mono
        self._deadlocks += sum(now.deadlocks - old.deadlocks for old, now in pairs)
        commits = sum(
            now.xact_commit + now.xact_rollback - old.xact_commit - old.xact_rollback for old, now in pairs
        )
        hit = sum(now.blks_hit - old.blks_hit for old, now in pairs)
        read = sum(now.blks_read - old.blks_read for old, now in pairs)
        roster = self._roster
        roster.feed(poll)
        others = [session for session in roster.busy.values() if session.is_client and not is_own(session)]
        return Totals(
            sessions=roster.clients + roster.starting,
            own=roster.own,
            active=sum(1 for session in others if is_active(session)),
            idle_in_transaction=sum(1 for session in others if is_idle_in_transaction(session)),
            waiting=sum(1 for session in others if is_waiting_for_lock(session)),
            hidden=sum(1 for session in others if is_hidden(session)),
            background=len(roster.all) - roster.clients - roster.starting,
            calls_per_s=self._calls,
            transactions_per_s=commits / seconds if pairs and seconds > 0 else None,
            cache_hit=hit / (hit + read) if hit + read > 0 else None,
            deadlocks=self._deadlocks,
        )

    def _pairs(self, rows: Iterable[DatabaseCounters]) -> Iterable[tuple[DatabaseCounters, DatabaseCounters]]:
        """Counters before and now, of databases whose counters did not begin anew in between."""
        for row in rows:
            old = self._before.get(row.datid)
            if old is None or old.stats_reset != row.stats_reset:
                continue
            if all(now >= then for now, then in zip(row[2:8], old[2:8], strict=True)):
                yield old, row
