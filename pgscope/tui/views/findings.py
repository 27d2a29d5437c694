"""`5`: what programs do to the database that they should not, worst cost first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.findings import Finding
from pgscope.analysis.snapshot import Snapshot
from pgscope.tui.details.finding import FindingScreen
from pgscope.tui.details.ignored import IgnoredScreen
from pgscope.tui.details.ignoring import ask_to_ignore
from pgscope.tui.frame import COPY, EXPLAIN, Frame
from pgscope.tui.plans.subject import Subject, of_finding
from pgscope.tui.rows import findings
from pgscope.tui.rows.applications import FINDING_WORDS
from pgscope.tui.table import LiveTable


class FindingsView(Frame):
    """Everything found, what ended a short while ago included."""

    HELP = (
        "What programs do to the database that they should not: N+1 (a query for each row of another), "
        "writes row by row, look-ups in a loop, more rows fetched than are used, open transactions, what "
        "holds back vacuum, sessions without a name, and the statements that cost most.\n"
        "confirmed rests on two independent kinds of evidence or more, likely on one; a row without a grade "
        "is only worth a look. Enter shows the evidence, the cost and what to write instead.\n"
        "cost is what clients wait each second for what could be avoided; avoid/s is how many round trips "
        "that is. What stops is shown as ended for a while, and then goes.\n"
        "i ignores a finding and asks for how long: for this run, or for good, which is kept in the "
        "configuration by the texts of the statements, so it holds for other servers too. u takes it "
        "back, I lists what is ignored.\n"
        "Filter with app:, kind: (n+1, overfetch, confirmed, ...), state:ended, query:."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the statement that the finding is about"),
        Binding(
            "i",
            "ignore",
            "Ignore",
            tooltip="Ignore this finding, for good or for this run; asks first",
            id="findings.ignore",
        ),
        Binding(
            "u",
            "undo",
            "Undo",
            tooltip="Take the last change of what is ignored back",
            id="findings.undo",
            show=False,
        ),
        Binding(
            "I",
            "ignored",
            "Ignored",
            tooltip="List the findings that are ignored, and show them again",
            id="findings.ignored",
            show=False,
        ),
        *(replace(binding, show=False) for binding in EXPLAIN),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._findings: dict[object, Finding] = {}
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(findings.COLUMNS, sort="cost", id="findings")

    def show(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        getters = findings.getters(snapshot.at)
        chosen = status.filter.select(snapshot.findings, getters)
        self._left_out = status.filter.left_out(getters)
        self._shown = (len(chosen), len(snapshot.findings))
        self._findings = {findings.key_of(one): one for one in chosen}
        rows = findings.rows(chosen, snapshot.at, status.signs)
        self.fill(self.query_one(LiveTable), rows, "Nothing found (yet): it takes some seconds of watching")

    def remark(self) -> Content:
        ended = sum(1 for one in self._findings.values() if one.ended)
        ignored = len(self.stage.ignored)
        words = [f"{ended} ended"] if ended else []
        words += [f"{ignored} ignored (I)"] if ignored else []
        return self.counted(self._shown, ", ".join(words), self._left_out)

    def copied(self) -> str:
        finding = self._under_cursor()
        return "" if finding is None or finding.statement is None else finding.statement.query

    def _values(self) -> Mapping[str, Iterable[str]]:
        return {**super()._values(), "kind": FINDING_WORDS}

    def key_word(self, action: str) -> str | None:
        return "" if action == "ignore" and not self._findings else super().key_word(action)

    def subject(self) -> Subject | None:
        finding = self._under_cursor()
        return of_finding(finding, self.stage.snapshot) if finding is not None else None

    def action_ignore(self) -> None:
        """Ask whether to ignore the finding under the cursor."""
        if (finding := self._under_cursor()) is not None:
            ask_to_ignore(self, finding)

    def action_undo(self) -> None:
        """Take the last change of what is ignored back."""
        self.stage.undo_ignore()

    def action_ignored(self) -> None:
        """List what is ignored."""
        self.app.push_screen(IgnoredScreen())

    def _under_cursor(self) -> Finding | None:
        return self._findings.get(self.query_one(LiveTable).cursor_key)

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if (finding := self._findings.get(event.row_key)) is not None:
            self.app.push_screen(FindingScreen(finding))
