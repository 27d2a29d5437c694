"""Several servers together: what all of them do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.totals import Totals


def together(snapshots: Sequence[Snapshot]) -> Totals:
    """The sums of their totals, each server once; what none of them knows stays unknown."""
    each = [one.totals for one in _once_each(snapshots)]
    return Totals(
        sessions=sum(one.sessions for one in each),
        active=sum(one.active for one in each),
        idle_in_transaction=sum(one.idle_in_transaction for one in each),
        waiting=sum(one.waiting for one in each),
        hidden=sum(one.hidden for one in each),
        calls_per_s=_sum(one.calls_per_s for one in each),
        transactions_per_s=_sum(one.transactions_per_s for one in each),
    )


def _once_each(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Of several databases of one server one: what it does is told of all of it. The first that counts."""
    found: dict[object, Snapshot] = {}
    for one in sorted(snapshots, key=lambda one: one.totals.calls_per_s is None):
        facts = one.facts
        found.setdefault((facts.started, facts.port) if facts is not None else id(one), one)
    return list(found.values())


def _sum(numbers: Iterable[float | None]) -> float | None:
    known = [one for one in numbers if one is not None]
    return sum(known) if known else None
