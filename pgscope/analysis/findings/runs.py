"""Runs in one transaction (E2), from a burst probe: the same statement again and again, and what came before.

In autocommit each statement is its own transaction; there only a tight sequence of one session is told.
"""

from __future__ import annotations

import math
from dataclasses import field

from pgscope.dataclass import dataclass
from pgscope.sample import Burst, BurstRow

SAME_EXECUTION = 0.0005
"""Seconds: parse, bind and execute of one statement each set query_start, within less than this."""
GAP = 0.03
"""Seconds between the starts of two statements of one tight sequence."""


@dataclass
class Run:
    """Executions of one statement within one transaction, or one tight sequence in autocommit."""

    query_id: int
    in_transaction: bool
    executions: int = 0
    waits: int = 0
    """Executions after which the session was found waiting for its client."""
    looks: int = 0
    before: frozenset[int] = frozenset()
    """Other statements seen earlier in the same transaction or sequence."""
    first: float = 0.0
    last: float = 0.0
    waited: float = 0.0
    """The last execution of which it was, by its start."""

    @property
    def client_loop(self) -> bool:
        """Whether the client was seen to take its turn between executions; a pipeline never shows that.

        It may pause after the last one, before it ends the transaction.
        """
        return self.waits >= 2 and self.waits / self.executions >= 0.15

    @property
    def pace(self) -> float:
        """Executions a second, where they are so slow that looks show each of them twice; else infinite."""
        seconds = self.last - self.first
        slow = self.looks >= 2 * self.executions and seconds > 0
        return (self.executions - 1) / seconds if slow else math.inf


@dataclass
class _Stretch:
    """A transaction or tight sequence being read."""

    xact: float | None
    last_start: float
    order: list[int] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)


def runs(burst: Burst) -> tuple[Run, ...]:
    """All runs of a burst probe, single executions included, in the order they began."""
    found: list[Run] = []
    stretch: _Stretch | None = None
    for row in burst.rows:
        if row.query_id is None or row.query_start is None or row.query_id == 0:
            continue
        if stretch is None or not _continues(stretch, row):
            if stretch is not None:
                found += stretch.runs.values()
            stretch = _Stretch(_transaction(row), row.query_start)
        _count(stretch, row, row.query_id, row.query_start)
    if stretch is not None:
        found += stretch.runs.values()
    return tuple(found)


def _transaction(row: BurstRow) -> float | None:
    """The explicit transaction a row belongs to; None in autocommit, where it began with the statement."""
    if row.xact_start is None or row.query_start is None:
        return None
    if row.state.startswith("idle in transaction") or row.query_start - row.xact_start > SAME_EXECUTION:
        return row.xact_start
    return None


def _continues(stretch: _Stretch, row: BurstRow) -> bool:
    assert row.query_start is not None
    transaction = _transaction(row)
    if stretch.xact is not None:
        # After its end the session shows the COMMIT, idle, with no transaction.
        return transaction == stretch.xact
    if transaction is not None:
        return False
    return row.query_start - stretch.last_start <= GAP


def _count(stretch: _Stretch, row: BurstRow, query_id: int, start: float) -> None:
    run = stretch.runs.get(query_id)
    if run is None:
        run = Run(query_id, stretch.xact is not None, before=frozenset(stretch.runs), first=start)
        stretch.runs[query_id] = run
    if run.executions == 0 or start - run.last > SAME_EXECUTION:
        run.executions += 1
        run.last = start
    run.looks += 1
    if row.state.startswith("idle") and start - run.waited > SAME_EXECUTION:
        run.waits += 1
        run.waited = start
    stretch.last_start = max(stretch.last_start, start)
