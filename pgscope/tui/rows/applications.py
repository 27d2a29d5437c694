"""The rows of the opening view: one for each application (or user, database, client address)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from pgscope.analysis.filter import Getters
from pgscope.analysis.groups import Group, group_name
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.glyphs import Signs
from pgscope.tui.table import Cell, Column, Row

FINDING_WORDS: Mapping[str, str] = {
    "n_plus_one": "N+1",
    "row_by_row_writes": "row writes",
    "overfetch": "overfetch",
    "lookup_loop": "loop",
    "idle_in_transaction": "idle tx",
    "xmin_held": "xmin",
    "no_application_name": "no name",
    "slow_statement": "slow",
}
"""Kinds of findings in a word."""


def columns(by: str) -> tuple[Column, ...]:
    """The columns, for a grouping."""
    return (
        Column("name", by, min_width=14, max_width=40, weight=3, fixed=True, priority=99),
        Column("sess", "sess", width=4, justify="right", priority=80, tooltip="Sessions, of any state"),
        Column(
            "active", "act", width=4, justify="right", priority=90, tooltip="Sessions that run a statement"
        ),
        Column("idle", "idle", width=4, justify="right", priority=20, tooltip="Idle sessions"),
        Column(
            "waiting", "wait", width=4, justify="right", priority=95, tooltip="Sessions that wait for a lock"
        ),
        Column(
            "idletx",
            "idle tx",
            width=8,
            justify="right",
            priority=85,
            tooltip="Sessions idle in transaction, and how long the oldest transaction is open",
        ),
        Column(
            "avg",
            "avg",
            width=4,
            justify="right",
            priority=75,
            tooltip="Active sessions on average over the last minute",
        ),
        Column(
            "longest",
            "oldest",
            width=6,
            justify="right",
            priority=70,
            tooltip="How long the oldest statement that still runs has taken",
        ),
        Column("calls", "calls/s", width=7, justify="right", priority=65, tooltip="Statements each second"),
        Column("rows", "rows/s", width=6, justify="right", priority=30, tooltip="Rows each second"),
        Column(
            "time",
            "time/s",
            width=7,
            justify="right",
            priority=60,
            tooltip="Execution time on the server, each second",
        ),
        Column(
            "mean",
            "mean",
            width=6,
            justify="right",
            priority=15,
            tooltip="Mean execution time of a statement",
        ),
        Column(
            "hit",
            "hit",
            width=5,
            justify="right",
            priority=12,
            tooltip="Part of the blocks that were found in shared buffers",
        ),
        Column("work", "bg", width=3, justify="right", priority=10, tooltip="Parallel workers for it"),
        Column(
            "basis",
            "known",
            min_width=12,
            max_width=13,
            weight=1,
            priority=14,
            tooltip="How surely calls, rows and time are its own: exact, measured, or how much is sampled",
        ),
        Column(
            "flags",
            "found",
            min_width=10,
            max_width=40,
            weight=1,
            priority=62,
            tooltip="What pgscope found, and who blocks others",
        ),
    )


GETTERS: Getters[Group] = {
    "": lambda group: (name_of(group.name),),
    "app": lambda group: name_of(group.name),
    "age": lambda group: group.longest_statement,
    "xact": lambda group: group.longest_idle_in_transaction,
    "calls": lambda group: group.rates.calls,
    "rows": lambda group: group.rates.rows,
    "mean": lambda group: _mean(group) and _mean(group) / 1000.0,
    "sessions": lambda group: group.sessions,
    "active": lambda group: group.active,
}


def getters(by: str) -> Getters[Group]:
    """How a filter asks these rows: the name answers to the field grouped by."""
    if by == "application":
        return GETTERS
    own = {"user": "user", "database": "db", "client": "client"}.get(by, "app")
    asked = {name: get for name, get in GETTERS.items() if name != "app"}
    asked[own] = lambda group: name_of(group.name, by)
    return asked


def name_of(name: str | None, by: str = "application") -> str:
    """A group's name for people."""
    if name is None:
        return "(unattributed)"
    if name:
        return name
    return {"application": "(no name)", "client": "(local socket)"}.get(by, "(none)")


def flags(snapshot: Snapshot, by: str) -> dict[str, list[str]]:
    """Words for what is the matter with a group, the worst first, by its name."""
    words: dict[str, list[str]] = defaultdict(list)
    blocked: Counter[str] = Counter()
    for node in snapshot.locks.nodes.values():
        roots = [snapshot.locks.nodes[key].session for key in node.roots if key in snapshot.locks.nodes]
        blocked.update({group_name(root, by) for root in roots if root is not None})
    for name, number in blocked.items():
        words[name].append(f"blocks {number}")
    if by == "application":
        for finding in snapshot.findings:
            if not finding.ended:
                word = FINDING_WORDS.get(finding.kind, finding.kind)
                for name in finding.application_names:
                    if word not in words[name]:
                        words[name].append(word)
    return words


def rows(groups: Sequence[Group], words: Mapping[str, Sequence[str]], by: str, signs: Signs) -> list[Row]:
    """A row for each group."""
    return [
        _row(group, words.get(group.name or "", ()) if group.name is not None else (), by, signs)
        for group in groups
    ]


def _mean(group: Group) -> float:
    return group.rates.exec_time / group.rates.calls if group.rates.calls > 0 else 0.0


def _row(group: Group, words: Sequence[str], by: str, signs: Signs) -> Row:
    rates = group.rates
    asked = rates.shared_hit + rates.shared_read
    hit = rates.shared_hit / asked if asked > 0 else None
    values = (
        name_of(group.name, by).lower(),
        group.sessions,
        group.active,
        group.idle,
        group.waiting,
        group.longest_idle_in_transaction,
        group.active_average,
        group.longest_statement,
        rates.calls,
        rates.rows,
        rates.exec_time,
        _mean(group) or None,
        hit,
        group.background,
        _sampled_part(group),
        len(words),
    )
    idle = not (group.active or group.waiting or group.idle_in_transaction or rates.calls)
    return Row(
        key=(by, group.name),
        cells=partial(_cells, group, words, hit, by, signs),
        sort_values=values,
        tone="muted" if idle or group.name is None else "normal",
    )


def _sampled_part(group: Group) -> float:
    return group.sampled.calls / group.rates.calls if group.rates.calls > 0 else 0.0


def _cells(
    group: Group, words: Sequence[str], hit: float | None, by: str, signs: Signs
) -> tuple[Cell | str, ...]:
    rates = group.rates
    idle_tx = numbers.UNKNOWN if group.hidden else ""
    if group.idle_in_transaction:
        age = numbers.seconds(group.longest_idle_in_transaction)
        idle_tx = f"{numbers.seen(group.idle_in_transaction, group.hidden)} {age}"
    long_idle = (group.longest_idle_in_transaction or 0.0) >= 10.0
    about = signs.about if _sampled_part(group) > 0.005 else ""
    nobody = group.name is None
    return (
        _title(group, by),
        "" if nobody else numbers.count(group.sessions),
        _some(group.active, group.hidden),
        _some(group.idle, group.hidden),
        Cell(f"{signs.waiting}{group.waiting}", "bad") if group.waiting else "",
        Cell(idle_tx, "warn" if long_idle else "normal"),
        f"{group.active_average:.1f}" if group.active_average >= 0.05 else "",
        numbers.seconds(group.longest_statement) if group.longest_statement is not None else "",
        about + numbers.count(rates.calls) if rates.calls else "",
        about + numbers.count(rates.rows) if rates.calls else "",
        about + numbers.millis(rates.exec_time) if rates.calls else "",
        numbers.millis(_mean(group)) if rates.calls else "",
        numbers.percent(hit) if hit is not None else "",
        _some(group.background),
        _basis(group),
        _found(words, signs),
    )


def _some(value: int, hidden: int = 0) -> str:
    return numbers.seen(value, hidden) if hidden else numbers.count(value) if value else ""


def _title(group: Group, by: str) -> str:
    """Its name; where hidden sessions come from is hidden too."""
    hidden = by == "client" and group.name == "" and group.sessions == group.hidden > 0
    return "(hidden)" if hidden else name_of(group.name, by)


def _found(words: Sequence[str], signs: Signs) -> Cell | str:
    """Who blocks others stands first, with a sign of its own."""
    if not words:
        return ""
    blocks = words[0].startswith("blocks")
    sign = signs.blocking if blocks else signs.finding
    return Cell(f"{sign}{', '.join(words)}", "bad" if blocks else "warn")


def _basis(group: Group) -> str:
    if not group.rates.calls:
        return ""
    if group.name is None:
        return "unattributed"
    part = _sampled_part(group)
    if part > 0.005:
        return f"{numbers.percent(part)} sampled"
    return "measured" if group.measured.calls > 0.005 * group.rates.calls else "exact"
