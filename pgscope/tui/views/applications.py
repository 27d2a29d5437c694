"""`1`: who is doing what, a row for each application (or user, database, client address)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.groups import GROUPINGS
from pgscope.analysis.snapshot import Snapshot
from pgscope.tui.details.group import GroupScreen
from pgscope.tui.frame import OWN_TOGGLE, Frame
from pgscope.tui.rows import applications
from pgscope.tui.table import LiveTable, Row


class ApplicationsView(Frame):
    """The opening view."""

    HELP = (
        "A row for each application_name: its sessions by state, who waits for a lock, how long the oldest "
        "idle transaction is open, and what its statements cost.\n"
        "avg is the number of active sessions on average over the last minute: its load on the server.\n"
        "A ~ before calls, rows or time says that part of it rests on sampling; without it the numbers are "
        "exact or measured. What no application could be found for has a row of its own, (unattributed).\n"
        "Programs that set no application_name stand under (no name); b groups by user, database, client "
        "address or route (from sqlcommenter tags) instead."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "b",
            "group_by",
            "By",
            tooltip="Group by application, user, database, client address or route",
            id="applications.by",
        ),
        OWN_TOGGLE,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._by = "application"
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(applications.columns(self._by), sort="avg", id="applications")

    def show(self, snapshot: Snapshot) -> None:
        self.fill(self.query_one(LiveTable), self._rows(snapshot), "No session yet")

    def _rows(self, snapshot: Snapshot) -> list[Row]:
        status = self.stage.status
        groups = snapshot.groups(self._by, own=status.own)
        getters = applications.getters(self._by)
        wanted = status.filter.select(groups, getters)
        self._left_out = status.filter.left_out(getters)
        self._shown = (len(wanted), len(groups))
        return applications.rows(wanted, applications.flags(snapshot, self._by), self._by, status.signs)

    def remark(self) -> Content:
        return self.counted(self._shown, f"by {self._by}", self._left_out)

    def copied(self) -> str:
        key = self.query_one(LiveTable).cursor_key
        return applications.name_of(key[1], key[0]) if isinstance(key, tuple) else ""

    def action_group_by(self) -> None:
        """Group by the next of application, user, database, client address, route."""
        ways = list(GROUPINGS)
        self._by = ways[(ways.index(self._by) + 1) % len(ways)]
        rows = self._rows(self.stage.snapshot)
        self.query_one(LiveTable).set_columns(applications.columns(self._by), rows)
        self.paint()

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if isinstance(event.row_key, tuple):
            by, name = event.row_key
            self.app.push_screen(GroupScreen(by, name))
