"""`2`: every session, what it does and what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.snapshot import Snapshot
from pgscope.sample import Session
from pgscope.tui.frame import COPY, SESSION_TOGGLES
from pgscope.tui.rows import sessions
from pgscope.tui.sessionframe import SessionFrame
from pgscope.tui.table import LiveTable


class SessionsView(SessionFrame):
    """All sessions of the server."""

    HELP = (
        "A row for each session (active above counts those that wait, too), those that "
        "block others first, then the ones that wait for a lock, then "
        "active ones, then those idle in transaction.\n"
        "age is the time of the running statement, or of the state if none runs; tx age is how long the "
        "transaction is open: what it locked stays locked, and what it can see cannot be vacuumed.\n"
        "A session that others wait for is marked with how many it blocks; J jumps from one that waits to "
        "the blocker that it waits for. c cancels a statement, T ends a session, m marks several; each asks "
        "first.\n"
        "i hides idle sessions, b shows background processes and parallel workers, o pgscope's own sessions."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the session's statement"),
        *SESSION_TOGGLES,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()
        self._chosen: Sequence[Session] = ()
        self._rows: sessions.SessionRows | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(sessions.COLUMNS, sort="state", id="sessions")

    def show(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        if self._rows is None:
            self._rows = sessions.SessionRows(status.signs)
        candidates = self._rows.wanted(snapshot.sessions, status)
        getters = sessions.getters(snapshot.at)
        chosen = status.filter.select(candidates, getters)
        self._left_out = status.filter.left_out(getters)
        self._shown = (len(chosen), len(snapshot.sessions))
        rows = self._rows.make(chosen, snapshot.at, snapshot.locks)
        self._chosen = chosen
        self.fill(self.query_one(LiveTable), rows, "No session to show")

    def remark(self) -> Content:
        status = self.stage.status
        words = [] if status.idle else ["no idle"]
        words += ["background too"] if status.background else []
        words += ["own too"] if status.own else []
        return self.counted(self._shown, ", ".join(words), self._left_out)

    def session_of(self, key: object) -> Session | None:
        return next((session for session in self._chosen if session.identity == key), None)

    def copied(self) -> str:
        session = self.current_session()
        return session.query if session is not None else ""

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if (session := self.session_of(event.row_key)) is not None:
            self.open_session(session)
