"""Lock waits as JSON-ready data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pgscope.analysis.locks import WaitRecord
from pgscope.report.times import iso


def lock_waits_to_json(waits: Iterable[WaitRecord]) -> list[dict[str, Any]]:
    """One entry for each wait of the window; pid 0 is a prepared transaction.

    Where the blockers changed during a wait, `blocked_by` and `root_pids` tell what lasted longest. In a
    cycle, which has no root, `root_pids` are its members.
    """
    return [_wait(wait) for wait in waits]


def _wait(wait: WaitRecord) -> dict[str, Any]:
    return {
        "pid": wait.waiter.pid,
        "application_name": wait.waiter.application_name,
        "user": wait.waiter.user,
        "database": wait.waiter.database,
        "blocked_by": {"hard": list(wait.hard), "soft": list(wait.soft)},
        "root_pids": list(wait.roots),
        "mode": wait.lock.mode,
        "locktype": wait.lock.locktype,
        "relation": wait.lock.relation_name or None,
        "object": wait.what,
        "waited_seconds": round(wait.seconds, 3),
        "first_seen": iso(wait.first_seen),
        "last_seen": iso(wait.last_seen),
        "ended": wait.ended,
        "behind": wait.behind,
        "query": wait.waiter.query,
    }
