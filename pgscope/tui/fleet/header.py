"""The two lines above the fleet: how many servers answer, and what they do together."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.facts import Fact, runs
from pgscope.tui.fleet.rows import Member
from pgscope.tui.header import HeaderLines
from pgscope.tui.stage import Status
from pgscope.tui.tonelines import Run


def _once_each(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Of several databases of one server one: what it does is told of all of it. The first that counts."""
    found: dict[object, Snapshot] = {}
    for one in sorted(snapshots, key=lambda one: one.totals.calls_per_s is None):
        facts = one.facts
        found.setdefault((facts.started, facts.port) if facts is not None else id(one), one)
    return list(found.values())


class FleetHeader(HeaderLines):
    """Shows the sums of all servers."""

    def __init__(self) -> None:
        super().__init__()
        self._members: Sequence[Member] = ()

    def show_fleet(self, members: Sequence[Member], status: Status) -> None:
        """Show these."""
        self._members = members
        self.show(members[0].snapshot, status)

    def _made(self, snapshot: Snapshot, status: Status, width: int) -> list[list[Run]]:  # noqa: ARG002 - of one server
        members, signs = self._members, status.signs
        up = [one.snapshot for one in members if one.state == "up"]
        each = _once_each(up)
        lost = sum(one.state in ("down", "failed") for one in members)
        first = [
            Fact("", f"{signs.up} {len(members)} servers", "heading", priority=9),
            Fact("up", str(len(up))),
        ]
        if lost:
            first.append(Fact("", f"{signs.lost} {lost} down", "bad", priority=8))
        if status.paused:
            first.append(Fact("", f"{signs.paused} PAUSED", "warn", priority=7))
        else:
            first.append(Fact("every", numbers.count(status.interval) + "s", priority=6))
        waiting = sum(one.totals.waiting for one in each)
        hidden = sum(one.totals.hidden for one in each)
        idle_tx = sum(one.totals.idle_in_transaction for one in each)
        second = [
            Fact("sess", str(sum(one.totals.sessions for one in each)), width=4, priority=8),
            Fact("active", numbers.seen(sum(one.totals.active for one in each), hidden), width=3, priority=7),
            Fact(
                "waiting",
                f"{signs.waiting}{waiting}" if waiting else "0",
                "bad" if waiting else "normal",
                width=3,
                priority=9,
            ),
            Fact("idle tx", numbers.seen(idle_tx, hidden), width=3, priority=6),
            Fact(
                "calls/s",
                numbers.count(sum(one.totals.calls_per_s or 0.0 for one in each)),
                width=5,
                priority=5,
            ),
            Fact(
                "tx/s",
                numbers.count(sum(one.totals.transactions_per_s or 0.0 for one in each)),
                width=5,
                priority=4,
            ),
        ]
        return [runs(first, width), runs(second, width)]
