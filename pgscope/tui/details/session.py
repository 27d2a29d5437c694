"""One session: what it does, since when, what it waits for, and its statement in full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.activity import is_hidden, state_age, statement_age, transaction_age
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.whole_text import whole_text
from pgscope.report import numbers
from pgscope.sample import Session
from pgscope.tui.details.reader import FactBlock, Reader
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.facts import Fact
from pgscope.tui.frame import COPY_SHOWN
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import clock
from pgscope.tui.locks.sentences import place_in_queue
from pgscope.tui.plans.subject import Subject, of_session
from pgscope.tui.rows.sessions import name_of, state_text, state_tone, wait_of
from pgscope.tui.sessionframe import SessionFrame
from pgscope.tui.tones import styled

HIDDEN = "hidden"
"""What stands for what this role may not see."""


class SessionScreen(SessionFrame):
    """Follows one backend; when it is gone, what was last known of it stays, and the screen says so."""

    HELP = (
        "One session: who it is, its state and ages, what it waits for, who blocks it and whom it blocks, "
        "and its current or last statement in full. f turns between the statement laid out and as sent.\n"
        "J goes to the blocker that it waits for. c cancels its statement, T ends it, R acts on that "
        "blocker, B on all that wait behind it; each asks first."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        COPY_SHOWN,
        Binding("f", "raw", "Raw", tooltip="The statement laid out, or as it was sent", id="session.raw"),
    ]

    def __init__(self, session: Session, way: tuple[str, ...] = ("Sessions",)) -> None:
        super().__init__()
        self.session = session
        self._way = way
        self._gone = False
        self._whole = ""

    def crumbs(self) -> tuple[str, ...]:
        return (*self._way, f"pid {self.session.pid}")

    def compose_body(self) -> Iterable[Widget]:
        with Reader():
            yield FactBlock()
            yield SqlText(self.stage.status.signs)

    def show(self, snapshot: Snapshot) -> None:
        identity = self.session.identity
        found = next((one for one in snapshot.sessions if one.identity == identity), None)
        if self._gone != (found is None):
            self._gone = found is None
            self.refresh_bindings()
        if found is not None:
            if found.query != self.session.query:
                self._whole = ""
            self.session = found
        signs = self.stage.status.signs
        self.query_one(FactBlock).show_facts(_groups(self.session, snapshot, self._gone, signs))
        self._whole = whole_text(self.session, snapshot.facts, snapshot.statements) or self._whole
        self.query_one(SqlText).show_sql(self._whole or self.session.query, "(no statement)")

    def remark(self) -> Content:
        if self._gone:
            return styled("gone", "bad")
        # Constants are parameters there.
        return styled("cut off; whole text from pg_stat_statements", "muted") if self._whole else Content("")

    def current_session(self) -> Session | None:
        return None if self._gone else self.session

    @property
    def has_sessions(self) -> bool:
        return not self._gone

    @property
    def nobody(self) -> str:
        return "this session has ended"

    def subject(self) -> Subject | None:
        # Also of one that has ended: its statement is still here.
        return of_session(self.session, self.stage.snapshot)

    def copied(self) -> str:
        return self._whole or self.session.query

    def action_raw(self) -> None:
        """Turn between the statement laid out and as it was sent."""
        self.query_one(SqlText).toggle_raw()


def _groups(session: Session, snapshot: Snapshot, gone: bool, signs: Signs) -> list[list[Fact] | Content]:
    at = snapshot.at
    text = signs.text
    who = [
        Fact("application", text(name_of(session)), "heading"),
        Fact("user", text(session.user)),
        Fact("database", text(session.database)),
        Fact("client", text(session.client_addr) or (HIDDEN if is_hidden(session) else "local socket")),
        Fact("connected", HIDDEN if is_hidden(session) else clock(session.backend_start)),
    ]
    if not session.is_client:
        who = [Fact("process", text(session.backend_type) or "background", "heading"), *who[2:3], *who[4:]]
    if session.leader_pid is not None:
        who.append(Fact("parallel worker of", str(session.leader_pid)))
    if gone:
        return [styled("This session has ended; this is what it did last.", "bad"), who]
    ages = [Fact("state", state_text(session, signs), state_tone(session))]
    if session.state and session.state != "active":
        ages.append(Fact("for", _age(state_age(session, at)), width=6))
    if (running := statement_age(session, at)) is not None:
        ages.append(Fact("statement runs", _age(running), width=6))
    if (open_for := transaction_age(session, at)) is not None:
        ages.append(Fact("transaction open", _age(open_for), width=6))
    if wait := wait_of(session):
        ages.append(Fact("waits for", text(wait)))
    if session.backend_xid is not None:
        ages.append(Fact("xid", str(session.backend_xid)))
    if session.xmin_age is not None:
        ages.append(Fact("holds back vacuum by", f"{numbers.whole(session.xmin_age)} tx"))
    if session.query_id is not None:
        ages.append(Fact("queryid", str(session.query_id)))
    return [who, ages, *_locks(session, snapshot, signs)]


def _age(value: float | None) -> str:
    return numbers.seconds(value)


def _locks(session: Session, snapshot: Snapshot, signs: Signs) -> list[Content]:
    """Its place among those who wait, and what its DDL shuts out."""
    node = snapshot.locks.node(session.pid)
    lines = place_in_queue(node, snapshot, signs) if node is not None else []
    lines += [
        styled(signs.text(f"  {note.sentence}"), "bad" if note.behind else "normal")
        for note in snapshot.ddl
        if note.pid == session.pid
    ]
    return lines
