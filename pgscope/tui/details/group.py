"""One application (or user, database, client address): its sessions and its statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pgscope.analysis.groups import GROUPINGS, Group, group_name
from pgscope.analysis.load import Who
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import StatementRow
from pgscope.report import numbers
from pgscope.sample import Session, StatementKey
from pgscope.text import plural
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.statement import StatementScreen
from pgscope.tui.facts import Fact, one_line
from pgscope.tui.frame import SESSION_TOGGLES
from pgscope.tui.loadgraph import LOAD_KEY, NO_ROOM, LoadGraph, has_room
from pgscope.tui.plans.subject import Subject, of_statement
from pgscope.tui.rows import applications, sessions, statements
from pgscope.tui.sessionframe import SESSION_KEYS, SessionFrame
from pgscope.tui.table import Column, LiveTable

_ROOM = 40
"""Lines of a screen on which the graph is shown unasked."""


class GroupScreen(SessionFrame):
    """Two tables: sessions above, statements below; Tab goes from one to the other."""

    HELP = (
        "The sessions and the statements of one group. Tab goes from one table to the other, Enter opens a "
        "row, Escape goes back.\n"
        "Where several applications run a statement, only this one's part of it is counted here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab", "other_table", "Next", tooltip="The other table: sessions or statements", id="group.tab"
        ),
        Binding(
            "d",
            "since_start",
            "Since start",
            tooltip="Statements of the last interval, or since the counters began",
            id="group.since_start",
            show=False,
        ),
        LOAD_KEY,
        *(replace(key, show=False) for key in SESSION_KEYS if key.id == "act.cancel"),
        *SESSION_TOGGLES,
    ]
    DEFAULT_CSS = """
    GroupScreen .group--line { height: 1; padding: 0 1; color: $foreground; }
    GroupScreen #group-sessions { height: 1fr; }
    GroupScreen #group-statements { height: 1fr; }
    GroupScreen.-low LiveTable { display: none; }
    GroupScreen.-low LiveTable:focus, GroupScreen.-low LiveTable.-chosen { display: block; }
    GroupScreen.-low .group--title { display: none; }
    """

    def __init__(self, by: str, name: str | None) -> None:
        super().__init__()
        self._by = by
        self._group = name
        self._since_start = False
        self._load: bool | None = None
        self._sessions: dict[object, Session] = {}
        self._session_rows: sessions.SessionRows | None = None
        self._rows: statements.StatementRows | None = None
        self._shown = (0, 0)

    def compose_body(self) -> Iterable[Widget]:
        yield Static("", id="group-facts", classes="group--line", markup=False)
        yield LoadGraph()
        yield LiveTable(
            _last(sessions.COLUMNS, _COLUMN_OF[self._by]),
            sort="state",
            id="group-sessions",
            classes="-chosen",
        )
        yield LiveTable(
            self._statement_columns(),
            sort="share",
            id="group-statements",
        )

    def _statement_columns(self) -> tuple[Column, ...]:
        return _last(statements.columns(self._since_start), _COLUMN_OF[self._by])

    def _no_statements(self) -> str:
        if self._by in ("client", "route"):
            return f"The server does not count statements by {self._by}"
        return "No statement seen"

    def crumbs(self) -> tuple[str, ...]:
        titles = {
            "application": "Applications",
            "user": "Users",
            "database": "Databases",
            "client": "Clients",
            "route": "Routes",
        }
        return (titles[self._by], applications.name_of(self._group, self._by))

    def show(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        chosen = status.filter.select(self._own_sessions(snapshot), sessions.getters(snapshot.at))
        self._sessions = {session.identity: session for session in chosen}
        table = self.query_one("#group-sessions", LiveTable)
        nothing = "No session" if self._group is not None else "Whose sessions these are is not known"
        if self._session_rows is None:
            self._session_rows = sessions.SessionRows(status.signs)
        self.fill(table, self._session_rows.make(chosen, snapshot.at, snapshot.locks), nothing)
        self._show_statements(snapshot)
        self._show_load(snapshot)
        found = [one for one in snapshot.groups(self._by, own=True) if one.name == self._group]
        facts = self.query_one("#group-facts", Static)
        facts.update(one_line(_facts(found[0] if found else Group(self._group)), self.size.width - 2))

    def _show_load(self, snapshot: Snapshot) -> None:
        graph, field = self.query_one(LoadGraph), GROUPINGS[self._by]
        graph.fit(self._has_load and self._with_load, self.size.height)
        if graph.display:

            def mine(who: Who, kind: str) -> str | None:
                return kind if getattr(who, field) == self._group else None

            graph.show_load(snapshot, "Load by wait", mine, self.stage.status)

    @property
    def has_sessions(self) -> bool:
        return super().has_sessions and self.focused is self.query_one("#group-sessions")

    def key_word(self, action: str) -> str | None:
        load = self._has_load and has_room(self.size.height)
        return "" if action == "load" and not load else super().key_word(action)

    @property
    def _has_load(self) -> bool:
        """Whether it is known: not of routes, nor of what is nobody's."""
        return bool(GROUPINGS[self._by]) and self._group is not None

    @property
    def _with_load(self) -> bool:
        """Until someone says, the graph is there where there is room."""
        return self.size.height >= _ROOM if self._load is None else self._load

    def _own_sessions(self, snapshot: Snapshot) -> list[Session]:
        mine = (one for one in snapshot.sessions if group_name(one, self._by) == self._group)
        if self._group is None:
            return []
        # Its parallel workers belong to it, whatever the toggle for background processes says.
        status = self.stage.status
        return [
            one
            for one in mine
            if (one.is_client or one.leader_pid is not None or status.background)
            and (status.idle or one.state != "idle")
        ]

    def _show_statements(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        if self._rows is None:
            self._rows = statements.StatementRows(status.signs)
        mine = [row for row in snapshot.statements.values() if self._part(row) > 0]
        found = statements.flags(snapshot)
        chosen = status.filter.select(mine, statements.getters(self._since_start, found))
        self._shown = (len(chosen), len(mine))
        block_size = snapshot.facts.block_size if snapshot.facts is not None else 8192
        rows = self._rows.make(
            chosen, since_start=self._since_start, block_size=block_size, part=self._part, found=found
        )
        self.fill(self.query_one("#group-statements", LiveTable), rows, self._no_statements())

    def _part(self, row: StatementRow) -> float:
        """This group's part of a statement, 0 to 1."""
        if self._by == "user":
            return float(row.user == self._group)
        if self._by == "database":
            return float(row.database == self._group)
        if self._by in ("client", "route"):
            return float(self._group is None)
        if not row.shares:
            return float(self._group is None)
        return sum(share.share for share in row.shares if share.application_name == self._group)

    def remark(self) -> Content:
        when = "since start" if self._since_start else f"last {self.stage.snapshot.seconds:.1f} s"
        return Content(
            f"{plural(len(self._sessions), 'session')}, {plural(self._shown[0], 'statement')}, {when}"
        )

    def session_of(self, key: object) -> Session | None:
        return self._sessions.get(key)

    def copied(self) -> str:
        focused = self.focused
        key = focused.cursor_key if isinstance(focused, LiveTable) else None
        if isinstance(key, StatementKey):
            row = self.stage.snapshot.statements.get(key)
            return row.query if row is not None else ""
        session = self._sessions.get(key)
        return session.query if session is not None else ""

    def subject(self) -> Subject | None:
        focused, snapshot = self.focused, self.stage.snapshot
        key = focused.cursor_key if isinstance(focused, LiveTable) else None
        if isinstance(key, StatementKey):
            row = snapshot.statements.get(key)
            return of_statement(row, snapshot) if row is not None else None
        return super().subject()

    def action_since_start(self) -> None:
        """Turn the statements between the last interval and since the counters began."""
        self._since_start = not self._since_start
        self.query_one("#group-statements", LiveTable).set_columns(self._statement_columns(), ())
        self.paint()

    def action_load(self) -> None:
        """Show or hide the graph of the load."""
        if not has_room(self.size.height):
            self.notify(NO_ROOM)
            return
        if not self._has_load:
            self.notify("How much load is of these is not known")
            return
        self._load = not self._with_load
        self.paint()

    def on_resize(self) -> None:
        super().on_resize()
        self.paint()

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if isinstance(event.row_key, StatementKey):
            self.app.push_screen(StatementScreen(event.row_key, self.crumbs()))
        elif (session := self._sessions.get(event.row_key)) is not None:
            self.app.push_screen(SessionScreen(session, self.crumbs()))


_COLUMN_OF = {"application": "app", "user": "user", "database": "db", "client": "client", "route": "app"}


def _last(columns: Sequence[Column], key: str) -> tuple[Column, ...]:
    """The columns, the one that is the same in every row the first to go where room is short."""
    return tuple(replace(column, priority=1) if column.key == key else column for column in columns)


def _facts(group: Group) -> list[Fact]:
    idle_age = group.longest_idle_in_transaction
    return [
        Fact("active", str(group.active), width=3, priority=6),
        Fact("waiting", str(group.waiting), "bad" if group.waiting else "normal", width=2, priority=9),
        Fact("idle", str(group.idle), width=3, priority=3),
        Fact("idle in tx", str(group.idle_in_transaction), width=2, priority=8),
        *([Fact("oldest", numbers.seconds(idle_age), "warn", priority=7)] if idle_age is not None else []),
        Fact("avg", f"{group.active_average:.1f}", width=4, priority=5),
        Fact("calls/s", numbers.count(group.rates.calls), width=5, priority=5),
        Fact("rows/s", numbers.count(group.rates.rows), width=5, priority=2),
        Fact("time/s", numbers.millis(group.rates.exec_time), width=6, priority=4),
    ]
