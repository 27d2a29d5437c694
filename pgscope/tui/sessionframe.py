"""What every screen that shows sessions can do with them: explain, cancel, terminate, mark, find the root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from pgscope.analysis.activity import is_active
from pgscope.analysis.locks import LockNode
from pgscope.capture.actions import Kind
from pgscope.sample import Session
from pgscope.tui.acting.scopes import BEHIND, ROOT, THESE
from pgscope.tui.frame import EXPLAIN, Frame
from pgscope.tui.plans.subject import Subject, of_session
from pgscope.tui.table import LiveTable

SESSION_KEYS = (
    Binding(
        "c",
        "act('cancel')",
        "Cancel",
        tooltip="Cancel the statement of the session under the cursor, or of those marked; asks first",
        id="act.cancel",
    ),
    Binding(
        "T",
        "act('terminate')",
        "Terminate",
        tooltip="End the session under the cursor, or those marked; asks first",
        id="act.terminate",
        show=False,
    ),
    Binding(
        "R",
        "act_root",
        "Act on the blocker",
        tooltip="Cancel or end the blocker that the session waits for; asks first",
        id="act.root",
        show=False,
    ),
    Binding(
        "B",
        "act_behind",
        "Act on all behind",
        tooltip="Cancel all that wait behind the session's blocker; asks first",
        id="act.behind",
        show=False,
    ),
    Binding(
        "m", "mark", "Mark", tooltip="Mark the session for cancel or terminate", id="act.mark", show=False
    ),
    Binding("M", "unmark", "Unmark", tooltip="Take all marks away", id="act.unmark", show=False),
    Binding(
        "J",
        "root",
        "To blocker",
        tooltip="Jump to the first blocker that the session waits for",
        id="locks.root",
        show=False,
    ),
)
_ACTS = frozenset(binding.action for binding in SESSION_KEYS if binding.action != "root")
_IN_QUEUES = ("root", "act_root", "act_behind")
"""What there is only where somebody waits."""


class SessionFrame(Frame):
    """A frame with sessions in its tables. A subclass says which row is which session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(replace(binding, show=False) for binding in EXPLAIN),
        *SESSION_KEYS,
    ]

    def subject(self) -> Subject | None:
        session = self.current_session()
        return of_session(session, self.stage.snapshot) if session is not None else None

    # --- for subclasses

    def session_of(self, key: object) -> Session | None:
        """The session that a row is about."""

    @property
    def nobody(self) -> str:
        """Why there is no session here to act on, where there is none."""
        return "put the cursor on a session"

    @property
    def has_sessions(self) -> bool:
        """Whether there is any in the table in hand."""
        table = self._table()
        return table is not None and bool(table.rows)

    def current_session(self) -> Session | None:
        """The session under the cursor."""
        table = self._table()
        return self.session_of(table.cursor_key) if table is not None else None

    def node_in_hand(self) -> LockNode | None:
        """What waits or blocks under the cursor."""
        session = self.current_session()
        return self.stage.snapshot.locks.node(session.pid) if session is not None else None

    def open_session(self, session: Session) -> None:
        """Show a session on a screen of its own."""
        # Not at the top: that screen is itself one of these.
        from pgscope.tui.details.session import SessionScreen

        self.app.push_screen(SessionScreen(session, self.crumbs() or ("Sessions",)))

    def marks(self) -> int:
        table = self._table()
        return len(table.marked) if table is not None else 0

    def key_word(self, action: str) -> str | None:
        """No key is offered that acts on sessions where there is nobody, or nothing may be done."""
        status = self.stage.status
        idle = status.read_only or status.past is not None
        if (action in _ACTS and idle) or (action in (*_ACTS, "root") and not self.has_sessions):
            return ""
        if (action in _IN_QUEUES and not self.stage.snapshot.locks.nodes) or (
            (action == "unmark" and not self.marks()) or (action == "mark" and self._table() is None)
        ):
            return ""
        return super().key_word(action)

    # --- inside

    def _table(self) -> LiveTable | None:
        focused: Widget | None = self.focused
        return focused if isinstance(focused, LiveTable) else None

    def _marked(self) -> list[Session]:
        table = self._table()
        if table is None:
            return []
        marked = table.marked
        in_order = [row.key for row in table.rows if row.key in marked]
        return [session for key in in_order if (session := self.session_of(key)) is not None]

    def _subjects(self) -> Sequence[Session]:
        if marked := self._marked():
            return marked
        session = self.current_session()
        return [session] if session is not None else []

    def _tell(self, message: str) -> None:
        self.notify(message)

    # --- actions

    def action_act(self, kind: str) -> None:
        """Ask whether to cancel or terminate what is marked, or else under the cursor."""
        self._ask("terminate" if kind == "terminate" else "cancel", THESE, self._subjects())

    def action_act_root(self) -> None:
        """Ask whether to stop the root: its statement if it runs one, else its session."""
        subjects = self._subjects()
        root = self.stage.snapshot.locks.root_of(subjects[0].pid) if subjects else None
        runs = root is not None and root.session is not None and is_active(root.session)
        self._ask("cancel" if runs else "terminate", ROOT, subjects)

    def action_act_behind(self) -> None:
        """Ask whether to cancel all that wait behind the root."""
        self._ask("cancel", BEHIND, self._subjects())

    def _ask(self, kind: Kind, scope: str, subjects: Sequence[Session]) -> None:
        if subjects:
            self.stage.hands.ask(kind, scope, subjects, self.stage.snapshot, self.stage.status.signs)
        else:
            self._tell(f"Nothing to {kind}: {self.nobody}")

    def action_mark(self) -> None:
        """Mark or unmark the session under the cursor, and go on to the next."""
        table = self._table()
        if table is not None and self.session_of(table.cursor_key) is not None:
            table.toggle_mark()
            table.action_cursor(1)
        else:
            self._tell("There is no session here to mark")
        self._say(self.stage.status)

    def action_unmark(self) -> None:
        """Take all marks away."""
        if not any(table.marked for table in self.query(LiveTable)):
            self._tell("Nothing is marked")
        for table in self.query(LiveTable):
            table.clear_marks()
        self._say(self.stage.status)

    def action_root(self) -> None:
        """Go to the root of what the session waits for: its row if it is here, else a screen of its own."""
        node = self.node_in_hand()
        if node is None:
            nobody = self.nobody[:1].upper() + self.nobody[1:]
            self._tell("It waits for nobody, and nobody for it" if self._subjects() else nobody)
            return
        root = self.stage.snapshot.locks.nodes[node.roots[0]] if node.roots else node
        if root.key == node.key:
            self._tell("It is itself the blocker: it waits for nobody")
        elif not self.go_to(root):
            if root.session is not None:
                self.open_session(root.session)
            elif root.prepared is not None:
                self._tell(f"The blocker is the prepared transaction '{root.prepared.gid}': no session")
            else:
                self._tell(f"The blocker, pid {root.key}, is not to be seen")

    def go_to(self, node: LockNode) -> bool:
        """Put the cursor on a node's row; False if it is not here."""
        table = self._table()
        if table is None or node.session is None:
            return False
        return table.move_to_key(node.session.identity)
