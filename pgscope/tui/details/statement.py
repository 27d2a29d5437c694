"""One statement: its counters, whose it is and how that is known, who runs it now, and its text in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import Counts
from pgscope.analysis.families import merged
from pgscope.analysis.findings import Finding
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import StatementRow
from pgscope.report import numbers
from pgscope.sample import Session, StatementKey
from pgscope.tui.details.reader import FactBlock, Reader
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.facts import Fact
from pgscope.tui.frame import COPY_SHOWN, EXPLAIN, Frame
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import clock
from pgscope.tui.plans.subject import Subject, of_statement
from pgscope.tui.rows.applications import FINDING_WORDS, name_of
from pgscope.tui.rows.statements import text_of
from pgscope.tui.tones import styled


class StatementScreen(Frame):
    """Follows one entry of pg_stat_statements; if it is thrown out, what was last known stays."""

    HELP = (
        "One statement: what it did in the last interval and since its counters began, which applications "
        "run it, and its text in full. Every part has its 95% interval, how it is known (exact, measured by "
        "counters of the sessions, sampled, or unattributed) and what it rests on. "
        "f turns between the text laid out and as the server has it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        COPY_SHOWN,
        *EXPLAIN,
        Binding("f", "raw", "Raw", tooltip="The text laid out, or as the server has it", id="statement.raw"),
    ]

    def __init__(
        self,
        key: StatementKey,
        way: tuple[str, ...] = ("Statements",),
        members: tuple[StatementKey, ...] = (),
    ) -> None:
        """`members` are the entries that the row stood for, where they are several."""
        super().__init__()
        self.key = key
        self._members = members or (key,)
        self._way = way
        self._row: StatementRow | None = None
        self._gone = False

    def crumbs(self) -> tuple[str, ...]:
        return (*self._way, f"queryid {self.key.queryid}")

    def compose_body(self) -> Iterable[Widget]:
        with Reader():
            yield FactBlock()
            yield SqlText(self.stage.status.signs)

    def show(self, snapshot: Snapshot) -> None:
        rows = [row for key in self._members if (row := snapshot.statements.get(key)) is not None]
        found = (rows[0] if len(rows) == 1 else merged(rows)) if rows else None
        self._gone = found is None
        self._row = found or self._row
        if self._row is None:
            self.query_one(SqlText).show_sql("", "(not among the statements of pg_stat_statements)")
            return
        signs = self.stage.status.signs
        self.query_one(FactBlock).show_facts(
            [*_groups(self._row, snapshot, self._members, signs), *_entries(rows, signs)]
        )
        self.query_one(SqlText).show_sql(query := self._row.query, query or text_of(self._row))

    def remark(self) -> Content:
        return styled("thrown out by pg_stat_statements", "bad") if self._gone else Content("")

    def copied(self) -> str:
        return self._row.query if self._row is not None else ""

    def subject(self) -> Subject | None:
        if self._row is None:
            return None
        snapshot = self.stage.snapshot
        # The entry itself: where several are one row, that one has no role to plan as.
        return of_statement(snapshot.statements.get(self._row.key, self._row), snapshot)

    def action_raw(self) -> None:
        """Turn between the text laid out and as the server has it."""
        self.query_one(SqlText).toggle_raw()


def _entries(rows: Sequence[StatementRow], signs: Signs) -> list[Content]:
    """The entries that the statement is made of, where they are several."""
    if len(rows) < 2:
        return []
    lines = [styled(f"{len(rows)} entries of pg_stat_statements have this text:", "muted")]
    for row in sorted(rows, key=lambda one: -one.total.calls)[:_MOST_ENTRIES]:
        calls = f"{numbers.count(row.rates.calls):>6}/s {numbers.count(row.total.calls):>6} in all"
        lines.append(styled(f"  queryid {row.key.queryid:>20} {calls}  user {signs.text(row.user)}", "muted"))
    return lines


def _groups(
    row: StatementRow, snapshot: Snapshot, members: Sequence[StatementKey], signs: Signs
) -> list[Sequence[Fact] | Content]:
    block_size = snapshot.facts.block_size if snapshot.facts is not None else 8192
    what = [Fact("database", signs.text(row.database)), Fact("user", signs.text(row.user))]
    whole = sum(one.total.exec_time for one in snapshot.statements.values() if not one.own)
    ever = min(row.total.exec_time / whole, 1.0) if whole else None
    what.append(
        Fact(f"share of time, last {snapshot.seconds:.1f} s", numbers.percent(row.share_of_time), width=5)
    )
    what.append(Fact("since reset", numbers.percent(ever), width=5))
    if not row.key.toplevel:
        what.append(Fact("", "inside a function", "muted"))
    since = f"since {clock(row.since)}" if row.since else "since reset"
    last = f"last {snapshot.seconds:.1f} s"
    last += ", each s"
    width = max(len(since), len(last))
    groups: list[Sequence[Fact] | Content] = [
        what,
        styled(" " * width + "".join(title.rjust(_CELL) for title in _TITLES), "muted"),
        _counts(last.ljust(width), row.rates, block_size),
        _counts(since.ljust(width), row.total, block_size),
        _more(row),
        _running(members, snapshot.sessions, signs),
        *(_share(share, signs) for share in sorted(row.shares, key=lambda one: -one.share)),
    ]
    if not row.shares:
        groups.append(styled("unattributed: no session was seen running it", "muted"))
    groups += [
        styled(
            f"{signs.finding} {FINDING_WORDS.get(one.kind, one.kind)} {one.grade}: {signs.text(one.summary)}",
            "warn",
        )
        for one in snapshot.findings
        if _is_about(one, members)
    ]
    return groups


def _is_about(finding: Finding, members: Sequence[StatementKey]) -> bool:
    refs = (finding.statement, finding.parent)
    return any(ref is not None and not set(members).isdisjoint(ref.keys) for ref in refs)


_TITLES = ("calls", "rows/c", "mean", "time", "hit", "read", "temp", "wal")
_CELL = 7
_MOST_ENTRIES = 20


def _counts(label: str, counts: Counts, block_size: int) -> Content:
    """One line of the small table of counters."""
    calls = counts.calls
    blocks = counts.shared_hit + counts.shared_read
    temp = (counts.temp_read + counts.temp_written) * block_size
    values = (
        numbers.count(calls),
        numbers.count(counts.rows / calls if calls else None),
        numbers.millis(counts.exec_time / calls if calls else None),
        numbers.millis(counts.exec_time),
        numbers.percent(counts.shared_hit / blocks if blocks else None),
        numbers.size(counts.shared_read * block_size),
        numbers.size(temp),
        numbers.size(counts.wal_bytes),
    )
    return Content.assemble(styled(label, "heading"), "".join(value.rjust(_CELL) for value in values))


def _more(row: StatementRow) -> list[Fact]:
    """What is worth a word only where there is some."""
    total = row.total
    facts = [Fact("longest call", numbers.millis(row.max_exec_time))]
    if total.plan_time:
        facts.append(Fact("planning", numbers.millis(total.plan_time)))
    if total.read_time or total.write_time:
        facts.append(Fact("I/O", numbers.millis(total.read_time + total.write_time)))
    return facts


def _running(members: Sequence[StatementKey], sessions: Iterable[Session], signs: Signs) -> list[Fact]:
    """Who runs it at this moment."""
    ids = {(key.queryid, key.dbid) for key in members}
    now = Counter(
        name_of(one.application_name)
        for one in sessions
        if (one.query_id, one.datid) in ids and one.state == "active"
    )
    who = ", ".join(f"{count} {signs.text(name)}" for name, count in now.most_common(4))
    return [Fact("running now", who or "nobody", "normal" if now else "muted")]


def _share(share: Share, signs: Signs) -> Content:
    """One application's part: its interval, how it is known, and what that rests on."""
    name = signs.text(name_of(share.application_name))
    exact = share.attribution == "exact"
    interval = "" if exact else f" ({share.low * 100:.0f}{signs.dash}{share.high * 100:.0f}%)"
    seen = f", seen {share.observations} times" if share.observations and not exact else ""
    line = Content.assemble(
        styled(f"{numbers.percent(share.share):>5}{interval} ", "heading"),
        Content(name + " "),
        styled(
            share.attribution, "good" if exact else "warn" if share.attribution == "sampled" else "accent"
        ),
        styled(seen, "muted"),
    )
    basis = [styled(f"\n      {signs.text(text)}", "muted") for text in share.basis]
    return Content.assemble(line, *basis)
