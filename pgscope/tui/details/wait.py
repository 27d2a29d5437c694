"""A wait for a lock that is over, or a deadlock: all that was seen of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.locks import Deadlock, Party
from pgscope.analysis.locks.conflicts import words
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.sample import Session
from pgscope.tui.details.reader import FactBlock, Group, Reader
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.facts import Fact, Hanging
from pgscope.tui.frame import COPY_SHOWN, Frame
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import clock
from pgscope.tui.rows import ended_waits
from pgscope.tui.tones import styled


class WaitScreen(Frame):
    """Shows what was remembered; the session may have gone on, or be gone."""

    HELP = (
        "One wait for a lock that is over (or a deadlock): who waited, from when until when, for which lock "
        "on what, who held it or stood ahead in the queue, and which blocker was on top, with the "
        "statements that they ran then.\n"
        "Enter opens the session that waited, J that blocker, as they are now, if they are still "
        "there. depth is how many steps it stood from that, behind how many waited because of it, both "
        "at the most."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY_SHOWN, tooltip="Copy the statement that waited"),
        Binding(
            "enter",
            "session",
            "Session",
            tooltip="Open the session that waited, as it is now",
            id="wait.session",
        ),
        Binding(
            "J", "root_session", "Blocker", tooltip="Open the blocker on top, as it is now", id="wait.root"
        ),
        Binding(
            "f", "raw", "Raw", tooltip="The statement laid out, or as it was sent", id="wait.raw", show=False
        ),
    ]

    def __init__(self, ended: ended_waits.Ended) -> None:
        super().__init__()
        self._ended = ended

    def crumbs(self) -> tuple[str, ...]:
        return ("Locks", ended_waits.who(self._ended))

    def compose_body(self) -> Iterable[Widget]:
        with Reader():
            yield FactBlock()
            yield SqlText(self.stage.status.signs)

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - it is over
        signs = self.stage.status.signs
        self.query_one(FactBlock).show_facts(_groups(self._ended, signs))
        self.query_one(SqlText).show_sql(self.copied(), "(no statement)")

    def remark(self) -> Content:
        session = self._found(self._waited())
        return Content("") if session is not None else styled("the session is gone", "muted")

    def copied(self) -> str:
        if isinstance(self._ended, Deadlock):
            return ";\n".join(member.query for member in self._ended.members)
        return self._ended.waiter.query

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A deadlock has no root."""
        if action == "root_session":
            return not isinstance(self._ended, Deadlock)
        return super().check_action(action, parameters)

    def _waited(self) -> tuple[Party, ...]:
        return self._ended.members if isinstance(self._ended, Deadlock) else (self._ended.waiter,)

    def _found(self, parties: Iterable[Party]) -> Session | None:
        identities = {(party.pid, party.backend_start) for party in parties}
        sessions = self.stage.snapshot.sessions
        return next((session for session in sessions if session.identity in identities), None)

    def _open(self, parties: Iterable[Party]) -> None:
        session = self._found(parties)
        if session is None:
            self.notify("That session is gone")
        else:
            self.app.push_screen(SessionScreen(session, ("Locks",)))

    def action_session(self) -> None:
        """Open the session that waited (of a deadlock the first that is still there)."""
        self._open(self._waited())

    def action_root_session(self) -> None:
        """Open the session at the root."""
        root = None if isinstance(self._ended, Deadlock) else self._ended.root
        self._open(() if root is None else (root,))

    def action_raw(self) -> None:
        """Turn between the statement laid out and as it was sent."""
        self.query_one(SqlText).toggle_raw()


def _groups(one: ended_waits.Ended, signs: Signs) -> list[Group]:
    if isinstance(one, Deadlock):
        said: list[Group] = [
            [Fact("first seen", clock(one.first_seen)), Fact("last seen", clock(one.last_seen))]
        ]
        said += [Content(signs.text(line)) for line in ended_waits.in_full(one, signs)]
        return said
    who = [
        Fact("application", signs.text(one.waiter.application_name or "(no name)"), "heading"),
        Fact("pid", str(one.waiter.pid)),
        Fact("user", signs.text(one.waiter.user)),
        Fact("database", signs.text(one.waiter.database)),
    ]
    when = [
        Fact("waited", numbers.seconds(one.seconds), "bad"),
        Fact("from", clock(one.since)),
        Fact("to", clock(one.last_seen)),
        Fact("depth", str(one.depth)),
        Fact("behind it", str(one.behind)),
    ]
    groups: list[Group] = [
        who,
        when,
        Hanging("lock", signs.text(words(one.lock.mode)), 10),
        Hanging("on", signs.text(one.what), 10),
    ]
    for pids, how in ((one.hard, "blocked by"), (one.soft, "queued behind")):
        if pids:
            named = ", ".join(str(pid) if pid else "a prepared transaction" for pid in pids)
            groups.append(Hanging(how, named, 10))
    if one.root is not None:
        state = f" ({one.root.state})" if one.root.state else ""
        of = f", user {one.root.user}" if one.root.user else ""
        groups.append(Hanging("root", signs.text(f"{ended_waits.name_of(one.root)}{state}{of}"), 10))
        if one.root.pid:
            groups.append(Hanging("it ran", signs.text(" ".join(one.root.query.split())[:2000]), 10))
    return groups
