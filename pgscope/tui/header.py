"""The two lines above every view: which server, how it is, how pgscope is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import Statements
from pgscope.report import numbers
from pgscope.sample import ServerFacts
from pgscope.tui.facts import Fact, runs
from pgscope.tui.sparkline import sparkline
from pgscope.tui.stage import Status
from pgscope.tui.table import Tone
from pgscope.tui.tonelines import Run, Runs, ToneLines, cells, cut_runs

_LEAST_SPARK = 12
_MOST_SPARK = 60
_NO_STATEMENTS = Statements(dict)


def clock(at: float) -> str:
    """Epoch seconds as local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(at)) if at else "--:--:--"


def where(facts: ServerFacts) -> str:
    """The database connected to, and where it is; the folder of a socket says little and is long."""
    if not facts.host or facts.host.startswith(("/", "@")):
        return f"{facts.database}@local"
    return f"{facts.database}@{facts.host}:{facts.port}"


def server_line(snapshot: Snapshot, status: Status, width: int) -> list[Run]:
    """Server, version, role and uptime at the left; what pgscope does at the right."""
    right = runs(_own(snapshot, status), width)
    used = cells(right)
    left = runs(_server(snapshot, status), max(1, width - used - 2))
    gap = width - cells(left) - used
    return [*left, (" " * max(1, gap), "normal"), *right]


def _server(snapshot: Snapshot, status: Status) -> list[Fact]:
    signs = status.signs
    facts = snapshot.facts
    link = snapshot.link
    if status.failure:
        return [Fact("", f"{signs.lost} pgscope failed: {signs.line(status.failure)}", "bad")]
    if status.past is not None and status.past.empty:
        return [Fact("", f"{signs.up} reading the recording", "muted")]
    if not link.connected:
        server = f" {where(facts)}" if facts is not None else ""
        since = f" since {clock(link.since)}" if link.since else ""
        word = "lost" if facts is not None else "not connected"
        reason = f"{signs.lost} {word}{signs.line(server)}{since}: {signs.line(link.cause)}"
        return [Fact("", reason, "bad")]
    if facts is None:
        return [Fact("", f"{signs.up} connecting", "muted")]
    name = status.title or where(facts)
    shown = [Fact("", f"{signs.up} {signs.line(name)}", "heading", priority=9)]
    if status.others_down:
        shown.append(Fact("", f"{signs.lost} {status.others_down} other down", "bad", priority=8))
    shown += [
        Fact("PostgreSQL", facts.version.split(" ")[0], priority=6),
        Fact("", facts.role, "warn" if facts.in_recovery else "normal", priority=5),
    ]
    if snapshot.at and facts.started:
        up = numbers.seconds(max(snapshot.at - facts.started, 0.0))
        shown.append(Fact("up", up, width=6, priority=4))
    return shown


def _own(snapshot: Snapshot, status: Status) -> list[Fact]:
    shown = []
    if (cost := snapshot.cost) is not None and cost.share is None:
        shown.append(Fact("cost", "starting", "muted", width=5, priority=3))
    elif cost is not None:
        tone: Tone = "warn" if cost.throttled else "normal"
        shown.append(Fact("cost", numbers.percent(cost.share), tone, width=5, priority=3))
    if status.recording:
        shown.append(Fact("", status.recording, "bad", priority=8))
    if status.past is not None:
        shown.append(
            Fact("", "RECORDED" if not snapshot.at else f"AS OF {clock(snapshot.at)}", "warn", priority=9)
        )
    elif status.paused:
        shown.append(Fact("", f"{status.signs.paused} PAUSED at {clock(snapshot.at)}", "warn", priority=9))
    else:
        shown.append(Fact("every", numbers.count(status.interval) + "s", priority=7))
    return shown


def load_line(snapshot: Snapshot, status: Status, width: int) -> list[Run]:
    """Sessions, waits and rates; where there is room, a line of the load of the last minutes."""
    totals = snapshot.totals
    most = snapshot.facts.max_connections if snapshot.facts is not None else 0
    full = most and totals.sessions > 0.9 * most
    digits = len(str(most))
    waiting = f"{status.signs.waiting}{totals.waiting}" if totals.waiting else "0"
    facts = [
        Fact(
            "sess",
            f"{totals.sessions}/{most}",
            "warn" if full else "normal",
            width=2 * digits + 1,
            priority=8,
        ),
        Fact("active", numbers.seen(totals.active, totals.hidden), width=2, priority=7),
        Fact("waiting", waiting, "bad" if totals.waiting else "normal", width=3, priority=9),
        Fact("idle tx", numbers.seen(totals.idle_in_transaction, totals.hidden), width=2, priority=6),
        Fact("calls/s", numbers.count(totals.calls_per_s), width=5, priority=5),
        Fact("tx/s", numbers.count(totals.transactions_per_s), width=5, priority=3),
        Fact("hit", numbers.percent(totals.cache_hit), width=5, priority=4),
    ]
    if totals.deadlocks:
        facts.append(Fact("deadlocks", str(totals.deadlocks), "bad", priority=2))
    facts.append(Fact("background", str(totals.background), width=2, priority=1))
    line = runs(facts, width)
    room = width - cells(line)
    latest = snapshot.load[-_MOST_SPARK:]
    graphs: list[tuple[str, list[float | None]]] = [
        ("   load ", [float(point.total) for point in latest]),
        ("   calls/s ", [point.calls_per_s for point in latest]),
    ]
    for n, (label, values) in enumerate(graphs):
        long = min(room // (len(graphs) - n), _MOST_SPARK + len(label)) - len(label)
        if n == 0 and long < _LEAST_SPARK:  # room for one of them only
            long = min(room - len(label), _MOST_SPARK)
        if long < _LEAST_SPARK:
            break
        spark = sparkline(values[-long:], long, ascii_only=status.signs.ascii_only)
        line += [(label, "muted"), (spark, "accent")]
        room -= len(label) + long
    return line


class HeaderLines(ToneLines):
    """Draws the two lines."""

    DEFAULT_CSS: ClassVar[str] = """
    HeaderLines { height: 2; background: $surface; color: $foreground; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._given: tuple[Snapshot, Status] | None = None

    def show(self, snapshot: Snapshot, status: Status) -> None:
        """Show the totals of a snapshot."""
        # Without the rows of statements: of what is hidden behind another view they would be kept for long.
        self._given = (replace(snapshot, statements=_NO_STATEMENTS), status)
        self.changed()

    def lines(self, width: int, height: int) -> Sequence[Runs]:  # noqa: ARG002 - always two
        made = self._made(*self._given, width) if self._given is not None else ()
        return [cut_runs(line, width) for line in made]

    def _made(self, snapshot: Snapshot, status: Status, width: int) -> list[list[Run]]:
        """What it says, from what it was given."""
        return [make(snapshot, status, width) for make in (server_line, load_line)]
