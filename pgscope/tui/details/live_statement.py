"""One statement as it was seen in sessions, where nothing counts statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from pgscope.analysis.live_statements import LiveKey, LiveStatement
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.details.reader import FactBlock, Reader
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.facts import Fact
from pgscope.tui.frame import COPY_SHOWN, EXPLAIN, Frame
from pgscope.tui.plans.subject import Subject, of_live
from pgscope.tui.rows.applications import name_of


class LiveStatementScreen(Frame):
    """Follows one statement of one application."""

    HELP = (
        "One statement of one application as sessions showed it: how often polls saw it, for how long, and "
        "what it waited for. These are samples and no counts: what runs between two polls is not seen."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        COPY_SHOWN,
        *EXPLAIN,
        Binding("f", "raw", "Raw", tooltip="The text laid out, or as it was sent", id="live_statement.raw"),
    ]

    def __init__(self, key: LiveKey) -> None:
        super().__init__()
        self._key = key
        self._known: LiveStatement | None = None

    def crumbs(self) -> tuple[str, ...]:
        return ("Statements", name_of(self._key.application_name))

    def compose_body(self) -> Iterable[Widget]:
        with Reader():
            yield FactBlock()
            yield SqlText(self.stage.status.signs)

    def show(self, snapshot: Snapshot) -> None:
        found = next((one for one in snapshot.live_statements if one.key == self._key), None)
        self._known = found or self._known
        if self._known is None:
            return
        one = self._known
        signs = self.stage.status.signs
        facts = [
            Fact("application", signs.text(name_of(one.key.application_name)), "heading"),
            Fact("executions seen", numbers.count(one.executions)),
            Fact("seen running", f"{one.active} times"),
            Fact("longest", numbers.seconds(one.longest)),
        ]
        waits = [Fact(kind or "CPU", f"{count} times") for kind, count in sorted(one.waits.items())]
        self.query_one(FactBlock).show_facts([facts, waits] if waits else [facts])
        self.query_one(SqlText).show_sql(one.text)

    def copied(self) -> str:
        return self._known.text if self._known is not None else ""

    def subject(self) -> Subject | None:
        return of_live(self._known, self.stage.snapshot) if self._known is not None else None

    def action_raw(self) -> None:
        """Turn between the text laid out and as it was sent."""
        self.query_one(SqlText).toggle_raw()
