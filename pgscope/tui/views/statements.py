"""`3`: every statement that pg_stat_statements knows, for the last interval or since its counters began."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.snapshot import Snapshot
from pgscope.sample import StatementKey
from pgscope.tui.details.statement import StatementScreen
from pgscope.tui.frame import Frame
from pgscope.tui.rows import statements
from pgscope.tui.table import LiveTable, Row


class StatementsView(Frame):
    """All statements of the server."""

    HELP = (
        "A row for each statement, as pg_stat_statements normalises it: calls, time and blocks of the last "
        "interval, or (d) since its counters began.\n"
        "time% is its share of all execution time; mean and rows/c are for one call; hit is the part of its "
        "blocks found in shared buffers; temp is what went through temporary files.\n"
        "A flag before the text (N+1, overfetch, ...) says what was found about it: see the Findings view.\n"
        "application names who runs it. With several, the largest part is named: ~ says that it is sampled; "
        "Enter shows every part with its interval and what it rests on."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "d",
            "since_start",
            "Since start",
            tooltip="The last interval, or since the counters began",
            id="statements.since_start",
        ),
        Binding(
            "i",
            "idle",
            "Idle statements",
            tooltip="Show or hide statements that did nothing",
            id="statements.idle",
            show=False,
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._since_start = False
        self._quiet = True
        self._rows: statements.StatementRows | None = None
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(
            statements.columns(self._since_start),
            sort="share",
            id="statements",
        )

    def show(self, snapshot: Snapshot) -> None:
        self.fill(self.query_one(LiveTable), self._make(snapshot), "No statement counters (yet)")

    def _make(self, snapshot: Snapshot) -> list[Row]:
        status = self.stage.status
        if self._rows is None:
            self._rows = statements.StatementRows(status.signs)
        found = statements.flags(snapshot)
        getters = statements.getters(self._since_start, found)
        known = snapshot.statements.values()
        chosen = [row for row in known if self._quiet or self._since_start or row.rates.calls > 0]
        chosen = status.filter.select(chosen, getters)
        self._left_out = status.filter.left_out(getters)
        self._shown = (len(chosen), len(known))
        block_size = snapshot.facts.block_size if snapshot.facts is not None else 8192
        return self._rows.make(chosen, since_start=self._since_start, block_size=block_size, found=found)

    def remark(self) -> Content:
        seconds = self.stage.snapshot.seconds
        when = "since start" if self._since_start else f"last {seconds:.1f} s"
        if not self._quiet and not self._since_start:
            when += ", no idle"
        return self.counted(self._shown, when, self._left_out)

    def copied(self) -> str:
        key = self.query_one(LiveTable).cursor_key
        row = self.stage.snapshot.statements.get(key) if isinstance(key, StatementKey) else None
        return row.query if row is not None else ""

    def action_since_start(self) -> None:
        """Turn between the last interval and since the counters began."""
        self._since_start = not self._since_start
        rows = self._make(self.stage.snapshot)
        self.query_one(LiveTable).set_columns(statements.columns(self._since_start), rows)
        self.paint()

    def action_idle(self) -> None:
        """Show or hide statements that did nothing in the last interval."""
        self._quiet = not self._quiet
        self.paint()

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if isinstance(event.row_key, StatementKey):
            self.app.push_screen(StatementScreen(event.row_key))
