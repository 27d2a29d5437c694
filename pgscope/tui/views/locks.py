"""`4`: who waits for whom, the culprit on top; below it DDL at work, and what waited before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget

from pgscope.analysis.locks import LockNode
from pgscope.analysis.snapshot import Snapshot
from pgscope.sample import Session
from pgscope.text import one_line
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.wait import WaitScreen
from pgscope.tui.frame import COPY
from pgscope.tui.locks.lines import Lines
from pgscope.tui.locks.sentences import at_work, place_in_queue
from pgscope.tui.rows import ended_waits, locks
from pgscope.tui.rows.sessions import LONGEST_LINE
from pgscope.tui.sessionframe import SessionFrame
from pgscope.tui.table import LiveTable
from pgscope.tui.tones import styled

NOBODY = "Nobody waits for a lock"


def _unread(snapshot: Snapshot) -> str:
    """That it is not known who waits, where the server does not let pg_locks be read."""
    missing = snapshot.facts.missing if snapshot.facts is not None else ()
    refused = [one.capability for one in missing if one.capability.startswith("pg_locks ")]
    return f"{refused[0]}: who waits for whom is not known" if refused else ""


class LocksView(SessionFrame):
    """The forest above, what was below; Tab goes from one to the other."""

    HELP = (
        "Who waits for whom. At the left stand blockers that wait for nobody, those with the most sessions "
        "behind them first; below each the sessions that wait for it. To end a jam, look at those first.\n"
        "blocked: somebody holds the lock it wants. queued: it only stands behind others that wait. behind: "
        "how many sessions wait because of it. cycle: they wait for each other.\n"
        "waits is how long it has waited, tx age how long its transaction is open. Of a blocker the lock is "
        "what it holds that others want, the statement the last it ran; if it is idle in transaction only "
        "ending its session (T) helps, since there is nothing to cancel.\n"
        "Below: DDL at work with what its lock shuts out, the progress of maintenance, and the waits that "
        "ended, deadlocks too. Tab goes there. Enter opens a session or a past wait, "
        "J jumps from a waiter to its blocker.\n"
        "c cancels, T terminates, R acts on the blocker, B on all behind it; each asks first and shows whom "
        "it will hit: the statement shown, or another run of it, and no other; a blocker only in the "
        "transaction shown, or while it is in the way. m marks several. What was done is recorded in "
        "actions.jsonl in pgscope's state folder."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the statement under the cursor: the one that waits or blocks"),
        Binding("tab", "other_table", "History", tooltip="From the waits to the history", id="locks.tab"),
    ]
    DEFAULT_CSS = """
    LocksView #locks { height: 2fr; min-height: 4; }
    LocksView #ended { height: 1fr; min-height: 4; }
    LocksView.-nobody #locks { height: 2; }
    LocksView #lock-detail { background: $surface; }
    LocksView.-low LiveTable { display: none; }
    LocksView.-low Lines { display: none; }
    LocksView.-low LiveTable.-chosen { display: block; height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[object, LockNode] = {}
        self._ended: dict[object, ended_waits.Ended] = {}
        self._left_out: tuple[str, ...] = ()
        self._lent = False
        self._entered = False

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(locks.COLUMNS, sort="behind", id="locks", classes="-chosen", placeholder=NOBODY)
        yield Lines(id="lock-detail")
        yield Lines(id="at-work")
        yield LiveTable(ended_waits.COLUMNS, sort="when", descending=True, id="ended")

    def show(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        self.set_class(not snapshot.locks, "-nobody")
        nodes = locks.chosen(snapshot, status.filter)
        self._by_key = {locks.key_of(node): node for node in nodes}
        table = self.query_one("#locks", LiveTable)
        nothing = (_unread(snapshot) or NOBODY) if snapshot.link.connected else "Not connected"
        if snapshot.locks:
            nothing = "Nothing matches the filter"
        table.set_placeholder(nothing)
        table.set_rows(locks.rows(nodes, snapshot, status.signs))
        self.query_one("#at-work", Lines).show_lines(
            at_work(snapshot, status.signs), max(4, self.size.height // 4)
        )
        self._show_ended(snapshot)
        self._lend_focus()
        self._describe(snapshot)

    def _show_ended(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        ended: list[ended_waits.Ended] = [
            *snapshot.ended_waits,
            *(deadlock for deadlock in snapshot.deadlocks if not deadlock.going_on),
        ]
        self._left_out = status.filter.left_out(ended_waits.GETTERS)
        wanted = status.filter.select(ended, ended_waits.GETTERS)
        self._ended = {ended_waits.key_of(one): one for one in wanted}
        # Of the past more is not read for a moment of it.
        when = "in the minute before" if status.past is not None else "since pgscope looks"
        rows = ended_waits.rows(wanted, status.signs)
        self.fill(self.query_one("#ended", LiveTable), rows, f"No wait has ended {when}")

    def entered(self) -> None:
        # Who comes to see who blocks has the keys there, wherever in the history they were left.
        self._entered = True
        self.paint()

    def _lend_focus(self) -> None:
        """While nobody waits the history has the keys, until someone waits (or someone reads on in it)."""
        above, below = self.query(LiveTable)
        if self._entered and above.rows and self.focused is below:
            self.action_other_table()
        self._entered = False
        if not above.rows and below.rows and self.focused is above:
            self._lent = True
            self.action_other_table()
        elif above.rows and self._lent:
            self._lent = False
            if self.focused is below and (not below.rows or below.cursor_row is below.rows[0]):
                self.action_other_table()

    def _describe(self, snapshot: Snapshot) -> None:
        """What is under the cursor in full: a few lines."""
        signs = self.stage.status.signs
        lines: list[Content] = []
        above, below = self.query(LiveTable)
        node = self._by_key.get(above.cursor_key)
        ended = self._ended.get(below.cursor_key) if self.focused is below else None
        if ended is not None:
            lines = [Content(signs.text(said)) for said in ended_waits.in_full(ended, signs)]
        elif node is not None:
            query = signs.text(one_line(locks.query_of(node)[:LONGEST_LINE]))
            last = "last statement" if not node.waits else "statement"
            lines = place_in_queue(node, snapshot, signs)
            lines.append(Content.assemble(styled(f"  {last} ", "muted"), query))
        self.query_one("#lock-detail", Lines).show_lines(lines, max(4, self.size.height // 6))

    def remark(self) -> Content:
        forest = self.stage.snapshot.locks
        if not forest:
            return Content("not known" if _unread(self.stage.snapshot) else "nobody waits")
        roots = len(forest.roots)
        words = f"{forest.waiting} wait, {roots} blocker{'' if roots == 1 else 's'}"
        if forest.cycles:
            words += f", {len(forest.cycles)} cycle{'' if len(forest.cycles) == 1 else 's'}"
        return Content(words)

    def copied(self) -> str:
        table = self._table()
        key = table.cursor_key if table is not None else None
        if (node := self._by_key.get(key)) is not None:
            return locks.query_of(node)
        ended = self._ended.get(key)
        return ended_waits.query_of(ended) if ended is not None else ""

    @property
    def nobody(self) -> str:
        if self._reads_history():
            return "that wait has ended (Enter tells of it); Tab goes to those that wait now"
        return super().nobody

    @property
    def has_sessions(self) -> bool:
        return super().has_sessions and not self._reads_history()

    def _reads_history(self) -> bool:
        return self.focused is self.query_one("#ended", LiveTable)

    def key_word(self, action: str) -> str | None:
        """Where Tab goes; a wait that has ended has no plan here."""
        words = {"other_table": "Waits", "explain": "", "analyze": ""} if self._reads_history() else {}
        return words[action] if action in words else super().key_word(action)

    def session_of(self, key: object) -> Session | None:
        node = self._by_key.get(key)
        return node.session if node is not None else None

    def node_in_hand(self) -> LockNode | None:
        table = self._table()
        return self._by_key.get(table.cursor_key) if table is not None else None

    def go_to(self, node: LockNode) -> bool:
        return self.query_one("#locks", LiveTable).move_to_key(locks.key_of(node))

    @on(LiveTable.Highlighted)
    @on(DescendantFocus)
    def _moved(self) -> None:
        self._describe(self.stage.snapshot)

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        node, ended = self._by_key.get(event.row_key), self._ended.get(event.row_key)
        if node is not None and node.session is not None:
            self.app.push_screen(SessionScreen(node.session, ("Locks",)))
        elif node is not None and node.prepared is not None:
            self._tell(
                f"Prepared transaction '{node.prepared.gid}' of {node.prepared.owner} has no session: end it "
                f"in {node.prepared.database} with COMMIT PREPARED or ROLLBACK PREPARED"
            )
        elif ended is not None:
            self.app.push_screen(WaitScreen(ended))
