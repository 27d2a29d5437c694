"""`3`: every statement that pg_stat_statements knows, for the last interval or since its counters began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.activity import OWN_APPLICATION
from pgscope.analysis.families import FamilyBook
from pgscope.analysis.live_statements import LiveKey
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import StatementRow
from pgscope.sample import StatementKey
from pgscope.text import plural
from pgscope.tui.frame import EXPLAIN, OWN_TOGGLE, Frame
from pgscope.tui.header import clock
from pgscope.tui.plans.subject import Subject, of_live, of_statement
from pgscope.tui.rows import live_statements, statements
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
        "Enter shows every part with its interval and what it rests on.\n"
        "Entries of the same text (for other users, parameter types or list lengths) stand in one row, "
        "marked +; m shows each by itself. Without pg_stat_statements they are those seen in sessions."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *EXPLAIN,
        Binding(
            "d",
            "since_start",
            "Since start",
            tooltip="The last interval, or since the counters began",
            id="statements.since_start",
        ),
        Binding(
            "m",
            "merge",
            "Merge",
            tooltip="Entries of the same text as one row, or each by itself",
            id="statements.merge",
            show=False,
        ),
        Binding(
            "i",
            "idle",
            "Idle statements",
            tooltip="Show or hide statements that did nothing",
            id="statements.idle",
            show=False,
        ),
        replace(OWN_TOGGLE, tooltip="Show or hide what pgscope itself runs"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._since_start = False
        self._quiet = True
        self._merged = True
        self._live = False
        self._members: dict[StatementKey, tuple[StatementKey, ...]] = {}
        self._book = FamilyBook()
        self._rows: statements.StatementRows | None = None
        self._of: Mapping[StatementKey, StatementRow] = {}
        self._way: object = None
        self._made: list[Row] = []
        """The rows made last, of which entries and in which way."""
        self._shown = (0, 0)
        self._unread = 0
        """Statements that are not shown yet: they did nothing, and their texts are not known."""
        self._left_out: tuple[str, ...] = ()

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(
            statements.columns(self._since_start),
            sort="share",
            id="statements",
        )

    def show(self, snapshot: Snapshot) -> None:
        table = self.query_one(LiveTable)
        live = snapshot.facts is not None and not snapshot.facts.counts_statements
        if live != self._live:
            self._live = live
            table.set_columns(live_statements.COLUMNS if live else statements.columns(self._since_start), ())
            table.sort_by("active" if live else "share", descending=True)
        rows = self._make_live(snapshot) if live else self._make(snapshot)
        unread = f"The texts of {plural(self._unread, 'statement')} are being read"
        self.fill(table, rows, unread if self._unread else "No statement seen yet")

    def _make_live(self, snapshot: Snapshot) -> list[Row]:
        status = self.stage.status
        known = [
            one
            for one in snapshot.live_statements
            if status.own or one.key.application_name != OWN_APPLICATION
        ]
        chosen = status.filter.select(known, live_statements.GETTERS)
        self._left_out = status.filter.left_out(live_statements.GETTERS)
        self._shown = (len(chosen), len(known))
        return live_statements.rows(chosen)

    def _make(self, snapshot: Snapshot) -> list[Row]:
        status = self.stage.status
        rows, flags = snapshot.statements.rows, statements.flags(snapshot)
        block_size = snapshot.facts.block_size if snapshot.facts is not None else 8192
        way = (status.own, status.filter, self._merged, self._quiet, self._since_start, flags, block_size)
        if rows is not self._of or way != self._way:
            self._of, self._way = rows, way
            self._made = self._make_anew(rows, flags, block_size)
        return self._made

    def _make_anew(
        self, entries: Mapping[StatementKey, StatementRow], flags: Mapping[StatementKey, str], block_size: int
    ) -> list[Row]:
        status = self.stage.status
        if self._rows is None:
            self._rows = statements.StatementRows(status.signs)
        grouped = self._book.update(entries)
        rows = list(grouped if self._merged else entries.values())
        known = rows if status.own else [row for row in rows if not row.own]
        self._members = self._book.members if self._merged else {}
        found = {}
        for key, flag in flags.items():
            family = self._book.of(key) if self._merged else None
            found[family.key if family is not None else key] = flag
        getters = statements.getters(self._since_start, found)
        chosen = known
        if not self._since_start:
            chosen = [row for row in known if row.rates.calls > 0 or (row.packed and self._quiet)]
        self._unread = len(known) - len(chosen) if self._quiet else 0
        chosen = status.filter.select(chosen, getters)
        self._left_out = status.filter.left_out(getters)
        self._shown = (len(chosen), len(known))
        return self._rows.make(
            chosen,
            since_start=self._since_start,
            block_size=block_size,
            found=found,
            members=self._members,
        )

    def remark(self) -> Content:
        if self._live:
            return self.counted(self._shown, "seen in sessions", self._left_out)
        seconds = self.stage.snapshot.seconds
        when = self._since() if self._since_start else f"last {seconds:.1f} s"
        if not self._quiet and not self._since_start:
            when += ", no idle"
        if self._unread:
            when += f", {self._unread:,} texts to read"
        if not self._merged:
            when += ", not merged"
        return self.counted(self._shown, when, self._left_out)

    def _since(self) -> str:
        """Since when the counters run: entries say so from 17 on, the oldest of them since the reset."""
        began = [row.since for row in self.stage.snapshot.statements.values() if row.since]
        return f"since reset {clock(min(began))}" if began else "since reset"

    def key_word(self, action: str) -> str | None:
        """What `d` does next."""
        if action == "since_start":
            return "Last interval" if self._since_start else "Since reset"
        return super().key_word(action)

    def copied(self) -> str:
        key = self.query_one(LiveTable).cursor_key
        if isinstance(key, LiveKey):
            return next((one.text for one in self.stage.snapshot.live_statements if one.key == key), "")
        row = self.stage.snapshot.statements.get(key) if isinstance(key, StatementKey) else None
        return row.query if row is not None else ""

    def subject(self) -> Subject | None:
        key, snapshot = self.query_one(LiveTable).cursor_key, self.stage.snapshot
        if isinstance(key, LiveKey):
            seen = next((one for one in snapshot.live_statements if one.key == key), None)
            return of_live(seen, snapshot) if seen is not None else None
        row = snapshot.statements.get(key) if isinstance(key, StatementKey) else None
        return of_statement(row, snapshot) if row is not None else None

    def action_since_start(self) -> None:
        """Turn between the last interval and since the counters began."""
        if self._live:
            self.notify("Nothing counts statements here (D says what would): they are those seen in sessions")
            return
        self._since_start = not self._since_start
        rows = self._make(self.stage.snapshot)
        self.query_one(LiveTable).set_columns(statements.columns(self._since_start), rows)
        self.paint()
        self.refresh_bindings()

    def action_merge(self) -> None:
        """Show entries of the same text as one row, or each by itself."""
        self._merged = not self._merged
        self.paint()

    def action_idle(self) -> None:
        """Show or hide statements that did nothing in the last interval."""
        self._quiet = not self._quiet
        self.paint()

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        from pgscope.tui.details.live_statement import LiveStatementScreen
        from pgscope.tui.details.statement import StatementScreen

        if isinstance(event.row_key, StatementKey):
            members = self._members.get(event.row_key, ())
            self.app.push_screen(StatementScreen(event.row_key, members=members))
        elif isinstance(event.row_key, LiveKey):
            self.app.push_screen(LiveStatementScreen(event.row_key))
