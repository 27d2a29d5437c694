"""`1`: who is doing what, a row for each application (or user, database, client address)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.groups import GROUPINGS
from pgscope.analysis.load import Who
from pgscope.analysis.snapshot import Snapshot
from pgscope.tui.frame import COPY, OWN_TOGGLE, Frame
from pgscope.tui.loadgraph import LOAD_KEY, NO_ROOM, LoadGraph, has_room
from pgscope.tui.rows import applications
from pgscope.tui.table import LiveTable, Row

_ROOM = 32
"""Lines of a screen on which the graph is shown unasked."""


class ApplicationsView(Frame):
    """The opening view."""

    HELP = (
        "A row for each application_name: its sessions by state, who waits for a lock, how long the oldest "
        "idle transaction is open, and what its statements cost.\n"
        "avg is the number of active sessions on average over the last minute: its load on the server.\n"
        "A ~ before calls, rows or time says that part of it rests on sampling; without it the numbers are "
        "exact or measured. What no application could be found for has a row of its own, (unattributed).\n"
        "Programs that set no application_name stand under (no name); b groups by user, database, client "
        "address or route (from sqlcommenter tags) instead.\n"
        "w shows the load of the last minutes as a graph: active sessions by what they wait for (CPU: for "
        "nothing), or by whose they are."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the name under the cursor"),
        Binding(
            "b",
            "group_by",
            "By",
            tooltip="Group by application, user, database, client address or route",
            id="applications.by",
        ),
        LOAD_KEY,
        OWN_TOGGLE,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._by = "application"
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()
        self._graph: str | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(applications.columns(self._by), sort="avg", id="applications")
        yield LoadGraph()

    def show(self, snapshot: Snapshot) -> None:
        self.fill(self.query_one(LiveTable), self._rows(snapshot), "No session yet")
        self._show_load(snapshot)

    @property
    def _way(self) -> str:
        """How the graph is split, '' for none: until someone says, it is there where there is room."""
        return self._graph if self._graph is not None else "wait" if self.size.height >= _ROOM else ""

    def _show_load(self, snapshot: Snapshot) -> None:
        graph, field = self.query_one(LoadGraph), GROUPINGS[self._by]
        graph.fit(bool(self._way), self.size.height)
        if self._way == "wait":
            graph.show_load(snapshot, "Load by wait", lambda _, kind: kind, self.stage.status)
        elif self._way and field:

            def whose(who: Who, kind: str) -> str:  # noqa: ARG001 - whatever it waits for
                return applications.name_of(getattr(who, field), self._by)

            graph.show_load(snapshot, f"Load by {self._by}", whose, self.stage.status)

    def _rows(self, snapshot: Snapshot) -> list[Row]:
        status = self.stage.status
        groups = snapshot.groups(self._by, own=status.own)
        getters = applications.getters(self._by)
        wanted = status.filter.select(groups, getters)
        self._left_out = status.filter.left_out(getters)
        self._shown = (len(wanted), len(groups))
        return applications.rows(wanted, applications.flags(snapshot, self._by), self._by, status.signs)

    def remark(self) -> Content:
        words = f"by {self._by}"
        if self._by in ("client", "route"):
            words += "; statements cannot be split by it, so calls and time are (unattributed)"
        return self.counted(self._shown, words, self._left_out)

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

    def key_word(self, action: str) -> str | None:
        return "" if action == "load" and not has_room(self.size.height) else super().key_word(action)

    def action_load(self) -> None:
        """Show the load by what is waited for, then by group, then not at all."""
        if not has_room(self.size.height):
            self.notify(NO_ROOM)
            return
        ways = ["", "wait", *(["group"] if GROUPINGS[self._by] else [])]
        now = self._way
        self._graph = ways[(ways.index(now) + 1) % len(ways)] if now in ways else ""
        self.paint()

    def on_resize(self) -> None:
        super().on_resize()
        self.paint()

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if isinstance(event.row_key, tuple):
            from pgscope.tui.details.group import GroupScreen

            by, name = event.row_key
            self.app.push_screen(GroupScreen(by, name))
