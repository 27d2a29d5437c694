"""The two lines above the fleet: how many servers answer, and what they do together."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.fleet import together
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.facts import Fact, runs
from pgscope.tui.fleet.rows import Member
from pgscope.tui.header import HeaderLines
from pgscope.tui.stage import Status
from pgscope.tui.tonelines import Run


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
        return [runs(_servers(self._members, status), width), runs(_sums(self._members, status), width)]


def _servers(members: Sequence[Member], status: Status) -> list[Fact]:
    signs = status.signs
    up = sum(one.state == "up" for one in members)
    lost = sum(one.state in ("down", "failed") for one in members)
    shown = [
        Fact("", f"{signs.up} {len(members)} servers", "heading", priority=9),
        Fact("up", str(up)),
    ]
    if lost:
        shown.append(Fact("", f"{signs.lost} {lost} down", "bad", priority=8))
    if status.paused:
        shown.append(Fact("", f"{signs.paused} PAUSED", "warn", priority=7))
    else:
        shown.append(Fact("every", numbers.count(status.interval) + "s", priority=6))
    return shown


def _sums(members: Sequence[Member], status: Status) -> list[Fact]:
    totals = together([one.snapshot for one in members if one.state == "up"])
    waiting = f"{status.signs.waiting}{totals.waiting}" if totals.waiting else "0"
    return [
        Fact("sess", str(totals.sessions), width=4, priority=8),
        Fact("active", numbers.seen(totals.active, totals.hidden), width=3, priority=7),
        Fact("waiting", waiting, "bad" if totals.waiting else "normal", width=3, priority=9),
        Fact("idle tx", numbers.seen(totals.idle_in_transaction, totals.hidden), width=3, priority=6),
        Fact("calls/s", numbers.count(totals.calls_per_s), width=5, priority=5),
        Fact("tx/s", numbers.count(totals.transactions_per_s), width=5, priority=4),
    ]
