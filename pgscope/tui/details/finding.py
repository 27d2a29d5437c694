"""One finding: what it is, what proves it, what it costs, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pgscope.analysis.findings import Cost, Finding
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.details.ignoring import ask_to_ignore
from pgscope.tui.details.reader import FactBlock, Group, Reader
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.details.statement import StatementScreen
from pgscope.tui.details.windows import WindowPlot
from pgscope.tui.facts import Fact, Hanging
from pgscope.tui.frame import COPY, EXPLAIN, Frame
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import clock
from pgscope.tui.plans.subject import Subject, of_finding, statement_of
from pgscope.tui.rows.findings import key_of, seen_text, tone_of, who, word_of
from pgscope.tui.tones import styled


class FindingScreen(Frame):
    """Follows one finding while it lasts; when it is gone, what was last known of it stays."""

    HELP = (
        "One finding: what it costs, every item of evidence with its numbers, the remedy in the words of the "
        "common ORMs and as SQL, and the statements it is about.\n"
        "The plot has a point for each window of about a second: rows that the parent returned to the right, "
        "calls of the child upwards. One call for each row makes a straight line; its slope is the number of "
        "calls a row, where it meets the left edge are calls of the child's own.\n"
        "y copies the SQL of the remedy (the statement if there is none), Y the statement; t opens it, e "
        "plans it. i ignores the finding, and asks for how long."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            COPY.key,
            COPY.action,
            "Copy SQL",
            tooltip="Copy the SQL of the remedy; the statement if it has none",
            id="finding.copy",
        ),
        Binding(
            "i",
            "ignore",
            "Ignore",
            tooltip="Ignore this finding, for good or for this run; asks first",
            id="finding.ignore",
        ),
        Binding(
            "Y",
            "copy_statement",
            "Copy statement",
            tooltip="Copy the statement",
            id="finding.copy_statement",
            show=False,
        ),
        Binding(
            "t,enter",
            "statement",
            "Statement",
            tooltip="Open the statement: its counters and whose it is",
            id="finding.statement",
            key_display="t",
        ),
        *EXPLAIN,
        Binding(
            "f",
            "raw",
            "Raw",
            tooltip="Statements laid out, or as the server has them",
            id="finding.raw",
            show=False,
        ),
    ]
    DEFAULT_CSS = """
    FindingScreen .finding--title { height: auto; margin-top: 1; text-style: bold; }
    FindingScreen .finding--title.-first { margin-top: 0; }
    FindingScreen SqlText { padding: 0 0 0 2; }
    FindingScreen .-absent { display: none; }
    """

    def __init__(self, finding: Finding, way: tuple[str, ...] = ("Findings",)) -> None:
        super().__init__()
        self.finding = finding
        self._way = way
        self._gone = False

    def crumbs(self) -> tuple[str, ...]:
        return (*self._way, word_of(self.finding))

    def compose_body(self) -> Iterable[Widget]:
        signs = self.stage.status.signs
        with Reader():
            yield FactBlock(id="facts")
            yield WindowPlot(signs)
            for part, title in _PARTS:
                yield Static(title, classes="finding--title", id=f"{part}-title", markup=False)
                if part == "remedy":
                    yield FactBlock(id="remedy-lines")
                yield SqlText(signs, id=part)

    def show(self, snapshot: Snapshot) -> None:
        key = key_of(self.finding)
        found = next((one for one in snapshot.findings if key_of(one) == key), None)
        self._gone = found is None
        if found is not None:
            self.finding = found
        finding, signs = self.finding, self.stage.status.signs
        self.query_one("#facts", FactBlock).show_facts(_groups(finding, snapshot.at, self._gone, signs))
        self.query_one(WindowPlot).show_finding(finding)
        self._show_remedy(finding, signs)
        for part, ref in (("statement", finding.statement), ("parent", finding.parent)):
            self._show_sql(part, "" if ref is None else ref.query, absent=ref is None)
        title = "Child: the statement that is called for each row" if finding.parent else "Statement"
        self.query_one("#statement-title", Static).update(title)

    def _show_remedy(self, finding: Finding, signs: Signs) -> None:
        width = max((len(name) for name, _ in finding.remedy.lines), default=0)
        lines = [Hanging(name, signs.text(text), width) for name, text in finding.remedy.lines]
        if finding.remedy.sql:
            lines.append(Hanging("SQL", "", width))
        self.query_one("#remedy-lines", FactBlock).show_facts(lines)
        self.query_one("#remedy-lines").set_class(not lines, "-absent")
        self._show_sql("remedy", finding.remedy.sql, absent=not (finding.remedy.sql or lines))

    def _show_sql(self, part: str, sql: str, *, absent: bool) -> None:
        text = self.query_one(f"#{part}", SqlText)
        text.show_sql(sql)
        text.set_class(not sql, "-absent")
        self.query_one(f"#{part}-title", Static).set_class(absent, "-absent")

    def remark(self) -> Content:
        if self._gone:
            return styled("gone", "bad")
        return styled("ended", "bad") if self.finding.ended else Content("")

    def copied(self) -> str:
        return self.finding.remedy.sql or self._statement

    @property
    def _statement(self) -> str:
        return "" if self.finding.statement is None else self.finding.statement.query

    def key_word(self, action: str) -> str | None:
        """What is written instead is copied; where there is no such thing, a plan may tell."""
        sql = bool(self.finding.remedy.sql)
        if (action == "explain" and sql) or (action in _OF_STATEMENT and self.finding.statement is None):
            return ""
        return "Copy" if action == "copy" and not sql else super().key_word(action)

    def subject(self) -> Subject | None:
        return of_finding(self.finding, self.stage.snapshot)

    def action_ignore(self) -> None:
        """Ask whether to ignore it; if so, go back."""
        ask_to_ignore(self, self.finding, then_leave=True)

    def action_copy_statement(self) -> None:
        """Copy the statement."""
        if self._statement:
            self.stage.copy_text(self._statement)

    def action_statement(self) -> None:
        """Open the statement with the most calls of those that were merged."""
        row = statement_of(self.finding, self.stage.snapshot)
        if row is not None:
            self.app.push_screen(StatementScreen(row.key, self.crumbs()))
        else:
            self.notify("Its statement is not in pg_stat_statements (any more)")

    def action_raw(self) -> None:
        """Turn between statements laid out and as the server has them."""
        for text in self.query(SqlText):
            text.toggle_raw()


_OF_STATEMENT = ("explain", "analyze", "statement", "copy_statement")
_PARTS = (
    ("remedy", "Instead"),
    ("statement", "Statement"),
    ("parent", "Parent: the statement whose rows are walked over"),
)


def _groups(finding: Finding, at: float, gone: bool, signs: Signs) -> list[Group]:
    text = signs.text
    tone = tone_of(finding)
    title = f"{word_of(finding)} {finding.grade}".strip()
    groups: list[Group] = [
        Content.assemble(
            styled(f"{signs.finding} {title}: ", tone), styled(text(finding.summary), "heading")
        ),
        [
            Fact("application", text(who(finding)), "heading"),
            *([Fact("database", text(finding.database))] if finding.database else []),
            *([Fact("user", text(finding.user))] if finding.user else []),
            Fact("since", clock(finding.first_seen)),
            Fact("", "gone") if gone else Fact("seen", seen_text(finding, at), width=6),
        ],
    ]
    if facts := _cost(finding.cost):
        groups.append(facts)
    groups.append(Content.assemble(styled("do: ", "good"), Content(text(finding.remedy.summary))))
    groups.append(styled("\nEvidence", "heading"))
    groups += [Hanging(one.kind, text(one.text)) for one in finding.evidence]
    return groups


def _cost(cost: Cost) -> list[Fact]:
    facts = []
    if cost.client_wait_ms_per_s:
        facts.append(Fact("clients wait", numbers.millis(cost.client_wait_ms_per_s) + "/s", "warn"))
    if cost.avoidable_round_trips_per_s:
        spared = f"{numbers.count(cost.avoidable_round_trips_per_s)} round trips/s"
        if cost.round_trip_ms:
            spared += f" of {numbers.millis(cost.round_trip_ms)} or more"
        facts.append(Fact("avoidable", spared))
    if cost.calls_per_s:
        facts.append(Fact("calls/s", numbers.count(cost.calls_per_s)))
    if cost.server_ms_per_s:
        facts.append(Fact("server", numbers.millis(cost.server_ms_per_s) + "/s"))
    if cost.rows_per_s:
        facts.append(Fact("rows/s", numbers.count(cost.rows_per_s)))
    if cost.blocks_read_per_s:
        facts.append(Fact("blocks read/s", numbers.count(cost.blocks_read_per_s)))
    if cost.waiting:
        facts.append(Fact("waiting behind it", str(cost.waiting), "bad"))
    if cost.held_s:
        facts.append(Fact("open", numbers.seconds(cost.held_s), "warn"))
    if cost.xmin_age:
        facts.append(Fact("dead rows kept of", f"{numbers.whole(cost.xmin_age)} tx"))
    if cost.sessions:
        facts.append(Fact("sessions", str(cost.sessions)))
    return facts
