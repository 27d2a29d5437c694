"""The rows of the fleet: one for each server, and the findings of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from pgscope.analysis.filter import Getters, Value
from pgscope.analysis.findings import Finding
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import where
from pgscope.tui.rows import findings
from pgscope.tui.sparkline import sparkline
from pgscope.tui.table import Cell, Column, Row

_SPARK = 16

SERVERS = (
    Column("name", "server", min_width=20, max_width=34, weight=2, fixed=True, priority=99),
    Column("state", "link", width=10, priority=98, tooltip="Whether it answers; if not, why: under found"),
    Column("sess", "sess", width=4, justify="right", priority=80, tooltip="Sessions, of any state"),
    Column("active", "act", width=4, justify="right", priority=90, tooltip="Sessions that run a statement"),
    Column("waiting", "wait", width=4, justify="right", priority=95, tooltip="Sessions that wait for a lock"),
    Column(
        "idletx", "idle tx", width=7, justify="right", priority=85, tooltip="Sessions idle in transaction"
    ),
    Column("calls", "calls/s", width=7, justify="right", priority=75, tooltip="Statements each second"),
    Column("tx", "tx/s", width=6, justify="right", priority=40, tooltip="Transactions each second"),
    Column(
        "hit",
        "hit",
        width=5,
        justify="right",
        priority=45,
        tooltip="Blocks that were found in shared buffers",
    ),
    Column("load", "load", width=_SPARK, priority=44, tooltip="Active sessions over the last polls"),
    Column(
        "cost", "cost", width=5, justify="right", priority=20, tooltip="What pgscope costs it, of one core"
    ),
    Column("version", "version", width=7, priority=35, tooltip="The version of PostgreSQL"),
    Column("role", "role", width=8, priority=25, tooltip="Primary or standby"),
    Column("where", "database", min_width=10, max_width=40, weight=1, priority=22),
    Column(
        "found", "found", min_width=24, weight=3, priority=88, tooltip="What was found, or why it is down"
    ),
)


class Member(NamedTuple):
    """One server of the fleet, as of now."""

    number: int
    name: str
    snapshot: Snapshot
    failure: str

    @property
    def state(self) -> str:
        """up, connecting, down or failed, in a word."""
        if self.failure:
            return "failed"
        if not self.snapshot.link.connected:
            return "down"
        return "up" if self.snapshot.facts is not None else "connecting"

    @property
    def where(self) -> str:
        """The database connected to, and where it is."""
        return where(self.snapshot.facts) if self.snapshot.facts is not None else ""

    @property
    def found(self) -> str:
        """What was found by kind, or why there is nothing to see."""
        if self.failure:
            return self.failure
        if not self.snapshot.link.connected:
            return self.snapshot.link.cause
        kinds = Counter(findings.word_of(one) for one in self.snapshot.findings if not one.ended)
        return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in kinds.most_common())


GETTERS: Getters[Member] = {
    "": lambda one: (one.name, one.state, one.where, one.found),
    "db": lambda one: one.where,
    "state": lambda one: one.state,
    "kind": lambda one: one.found,
    "sessions": lambda one: one.snapshot.totals.sessions,
    "active": lambda one: one.snapshot.totals.active,
    "calls": lambda one: one.snapshot.totals.calls_per_s or 0.0,
}


def servers(members: Sequence[Member], signs: Signs) -> list[Row]:
    """A row for each server."""
    return [_server(member, signs) for member in members]


def _server(member: Member, signs: Signs) -> Row:
    totals = member.snapshot.totals
    up = member.state == "up"
    values = (
        member.name.lower(),
        _RANKS[member.state],
        *(
            (totals.sessions, totals.active, totals.waiting, totals.idle_in_transaction)
            if up
            else (None,) * 4
        ),
        *((totals.calls_per_s, totals.transactions_per_s, totals.cache_hit) if up else (None,) * 3),
        totals.active if up else None,
        _cost(member.snapshot),
        member.snapshot.facts.version_num if member.snapshot.facts is not None else None,
        member.snapshot.facts.role if member.snapshot.facts is not None else None,
        member.where.lower() or None,
        sum(not one.ended for one in member.snapshot.findings) if up else None,
    )
    return Row(
        key=member.number, cells=partial(_cells, member, signs), sort_values=values, mark=_mark(member, signs)
    )


_RANKS = {"failed": 0, "down": 1, "connecting": 2, "up": 3}


def _mark(member: Member, signs: Signs) -> str:
    return signs.waiting if member.state == "up" and member.snapshot.totals.waiting else ""


def _cost(snapshot: Snapshot) -> float | None:
    """Part of one core of the server."""
    cost = snapshot.cost
    return cost.share if cost is not None else None


def _cells(member: Member, signs: Signs) -> tuple[Cell | str, ...]:
    snapshot, totals, facts = member.snapshot, member.snapshot.totals, member.snapshot.facts
    up = member.state == "up"
    sign = signs.up if member.state in ("up", "connecting") else signs.lost
    state = Cell(f"{sign} {member.state}", "good" if up else "bad" if sign == signs.lost else "muted")
    said = signs.text(member.found)
    found = Cell(f"{signs.finding}{said}", "warn") if up and said else Cell(said, "bad")
    place = (
        facts.version.split(" ")[0] if facts is not None else "",
        facts.role if facts is not None else "",
        signs.text(member.where),
        found,
    )
    if not up:
        return (signs.text(member.name), state, *("",) * 9, *place)
    spark = sparkline(
        [float(point.total) for point in snapshot.load[-_SPARK:]], _SPARK, ascii_only=signs.ascii_only
    )
    cost = _cost(snapshot)
    return (
        signs.text(member.name),
        state,
        numbers.count(totals.sessions),
        numbers.seen(totals.active, totals.hidden) if totals.active or totals.hidden else "",
        Cell(f"{signs.waiting}{totals.waiting}", "bad") if totals.waiting else "",
        Cell(numbers.seen(totals.idle_in_transaction, totals.hidden), "warn")
        if totals.idle_in_transaction
        else numbers.UNKNOWN
        if totals.hidden
        else "",
        numbers.count(totals.calls_per_s),
        numbers.count(totals.transactions_per_s),
        numbers.percent(totals.cache_hit),
        spark,
        numbers.percent(cost) if cost is not None else "",
        *place,
    )


# --- the findings of all

FINDINGS = (
    Column("server", "server", min_width=15, max_width=30, weight=1, fixed=True, priority=99),
    *(replace(column, fixed=False) for column in findings.COLUMNS),
)


class Found(NamedTuple):
    """A finding, and whose it is."""

    member: Member
    finding: Finding

    @property
    def key(self) -> tuple[object, ...]:
        """What stays the same while it lasts."""
        return (self.member.number, findings.key_of(self.finding))


def all_found(members: Sequence[Member]) -> list[Found]:
    """Every finding of every server."""
    return [Found(member, finding) for member in members for finding in member.snapshot.findings]


def finding_getters(members: Sequence[Member]) -> Getters[Found]:
    """How a filter asks findings: as in the Findings view, each as of its server's clock."""
    by_number = {member.number: findings.getters(member.snapshot.at) for member in members}

    def asked(name: str, one: Found) -> Value:
        return by_number[one.member.number][name](one.finding)

    def anywhere(one: Found) -> tuple[str, ...]:
        texts = asked("", one)
        return (one.member.name, *(texts if isinstance(texts, tuple) else (str(texts),)))

    names = findings.getters(0.0)
    return {**{name: partial(asked, name) for name in names}, "": anywhere}


def found_rows(found: Sequence[Found], signs: Signs) -> list[Row]:
    """A row for each finding, its server first."""
    rows = []
    for one in found:
        (row,) = findings.rows([one.finding], one.member.snapshot.at, signs)
        values = row.sort_values
        assert not callable(values)
        rows.append(
            row._replace(
                key=one.key,
                cells=partial(_with_server, signs.text(one.member.name), row),
                sort_values=(one.member.name.lower(), *values),
            )
        )
    return rows


def _with_server(name: str, row: Row) -> tuple[Cell | str, ...]:
    cells = row.cells if isinstance(row.cells, tuple) else row.cells()
    return (name, *cells)
