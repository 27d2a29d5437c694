"""Sessions over a whole watch: what a report says of each application."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container

from pgscope.analysis.activity import (
    is_active,
    is_hidden,
    is_idle_in_transaction,
    is_own,
    is_waiting_for_lock,
    statement_age,
    transaction_age,
)
from pgscope.analysis.roster import Roster
from pgscope.dataclass import dataclass
from pgscope.sample import Poll

_MOST = 2000
"""Applications that are remembered; of more, half of those gone are dropped, the ones that did least."""


@dataclass
class Presence:
    """An application's sessions over a watch: the most at one look, ages in seconds at their highest."""

    sessions: int = 0
    active: int = 0
    idle_in_transaction: int = 0
    waiting: int = 0
    hidden: int = 0
    """The most of which this role might not see what they did."""
    active_sum: int = 0
    longest_statement: float = 0.0
    longest_idle_in_transaction: float = 0.0


class PresenceFold:
    """A fold over polls; pgscope's own sessions are left out."""

    def __init__(self, roster: Roster | None = None) -> None:
        self._roster = roster or Roster()
        self.applications: dict[str, Presence] = defaultdict(Presence)
        self.polls = 0
        self.start: float | None = None
        self.end = 0.0

    def feed(self, poll: Poll, waiting: Container[int] = ()) -> None:
        """Take in one poll; `waiting`: pids that wait for a lock, for sessions that are hidden."""
        self.polls += 1
        if self.start is None:
            self.start = poll.at
        self.end = poll.at
        self._roster.feed(poll)
        for name, many in self._roster.applications.items():
            whole = self.applications[name]
            whole.sessions = max(whole.sessions, many)
        looks: dict[str, Presence] = defaultdict(Presence)
        for session in self._roster.busy.values():
            if not session.is_client or is_own(session):
                continue
            look = looks[session.application_name]
            look.active += is_active(session)
            hidden = is_hidden(session)
            look.hidden += hidden
            look.waiting += is_waiting_for_lock(session) or (hidden and session.pid in waiting)
            look.longest_statement = max(look.longest_statement, statement_age(session, poll.at) or 0.0)
            if is_idle_in_transaction(session):
                look.idle_in_transaction += 1
                age = transaction_age(session, poll.at) or 0.0
                look.longest_idle_in_transaction = max(look.longest_idle_in_transaction, age)
        for name, look in looks.items():
            self._take(self.applications[name], look)
        if len(self.applications) > _MOST:
            self._forget()

    def _forget(self) -> None:
        gone = [name for name in self.applications if name not in self._roster.applications]
        gone.sort(key=lambda name: (self.applications[name].active_sum, self.applications[name].sessions))
        for name in gone[: len(gone) // 2]:
            del self.applications[name]

    def _take(self, whole: Presence, look: Presence) -> None:
        whole.active = max(whole.active, look.active)
        whole.idle_in_transaction = max(whole.idle_in_transaction, look.idle_in_transaction)
        whole.waiting = max(whole.waiting, look.waiting)
        whole.hidden = max(whole.hidden, look.hidden)
        whole.active_sum += look.active
        whole.longest_statement = max(whole.longest_statement, look.longest_statement)
        whole.longest_idle_in_transaction = max(
            whole.longest_idle_in_transaction, look.longest_idle_in_transaction
        )
