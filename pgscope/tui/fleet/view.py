"""`0`: all servers that were named, a row each, and what was found on any of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from pgscope.analysis.findings import Finding
from pgscope.analysis.snapshot import Snapshot
from pgscope.text import plural
from pgscope.tui.fleet import rows
from pgscope.tui.fleet.header import FleetHeader
from pgscope.tui.frame import COPY, Frame
from pgscope.tui.header import HeaderLines
from pgscope.tui.table import LiveTable

if TYPE_CHECKING:
    from pgscope.tui.served import Served


class FleetView(Frame):
    """Servers above, the findings of all below."""

    HELP = (
        "A row for each server that was named, and below what was found on any of them, the worst cost "
        "first. Enter on a server shows it alone, Enter on a finding shows it on its server; 0 comes back.\n"
        "Each server is polled by itself: one that is down, or slow to answer, holds up no other. It is "
        "asked again every few seconds, and found says why it does not answer.\n"
        "Pause, interval and filter hold for all servers; the past is looked at server by server, 0 comes "
        "back to the present of all. Tab goes from one table to the other."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the server's name; of a finding its statement"),
        Binding("tab", "other_table", "Next", tooltip="The other table: servers or findings", id="fleet.tab"),
    ]
    DEFAULT_CSS = """
    FleetView #fleet-servers { max-height: 50%; }
    FleetView #fleet-findings { height: 1fr; }
    FleetView.-low LiveTable { display: none; }
    FleetView.-low LiveTable:focus, FleetView.-low LiveTable.-chosen { display: block; }
    FleetView.-low #fleet-servers { max-height: 100%; }
    """

    class Entered(Message):
        """A server was opened, or a finding of one."""

        def __init__(self, served: Served, finding: Finding | None = None) -> None:
            self.served = served
            self.finding = finding
            super().__init__()

    def __init__(self, servers: Sequence[Served]) -> None:
        super().__init__()
        self._servers = servers
        self._found: dict[object, rows.Found] = {}
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()

    def compose_header(self) -> HeaderLines:
        return FleetHeader()

    def compose_body(self) -> Iterable[Widget]:
        servers = LiveTable(rows.SERVERS, sort="state", id="fleet-servers", classes="-chosen")
        servers.styles.height = len(self._servers) + 2
        yield servers
        yield LiveTable(rows.FINDINGS, sort="cost", id="fleet-findings", placeholder="Nothing found (yet)")

    def notices(self, snapshot: Snapshot) -> tuple[str, ...]:  # noqa: ARG002 - each server has its own
        return ()

    def in_full(self, snapshot: Snapshot) -> tuple[str, ...]:  # noqa: ARG002 - of one server
        links = [(one.title, one.snapshot.link) for one in self._servers]
        return tuple(f"{name}: {link.reason}" for name, link in links if not link.connected and link.reason)

    def key_word(self, action: str) -> str | None:
        """One server has a doctor and a past."""
        return "" if action == "doctor" or action.startswith("past(") else super().key_word(action)

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - of one server
        status = self.stage.status
        members = [rows.Member(one.number, one.title, one.snapshot, one.failure) for one in self._servers]
        self.query_one(FleetHeader).show_fleet(members, status)
        # A filter for findings leaves the servers alone, and the other way round.
        chosen = status.filter.select(members, rows.GETTERS)
        getters = rows.finding_getters(members)
        found = status.filter.select(rows.all_found(members), getters)
        left = status.filter.left_out(getters)
        self._left_out = tuple(name for name in status.filter.left_out(rows.GETTERS) if name in left)
        self._found = {one.key: one for one in found}
        self._shown = (len(chosen), len(members))
        table = self.query_one("#fleet-servers", LiveTable)
        self.fill(table, rows.servers(chosen, status.signs), "No server")
        table = self.query_one("#fleet-findings", LiveTable)
        self.fill(table, rows.found_rows(found, status.signs), "Nothing found (yet)")

    def remark(self) -> Content:
        return self.counted(self._shown, plural(len(self._found), "finding"), self._left_out)

    def copied(self) -> str:
        focused = self.focused
        key = focused.cursor_key if isinstance(focused, LiveTable) else None
        if isinstance(key, int):
            return self._servers[key].title
        found = self._found.get(key)
        return found.finding.statement.query if found is not None and found.finding.statement else ""

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        key = event.row_key
        if isinstance(key, int):
            self.post_message(self.Entered(self._servers[key]))
        elif (found := self._found.get(key)) is not None:
            self.post_message(self.Entered(self._servers[found.member.number], found.finding))
