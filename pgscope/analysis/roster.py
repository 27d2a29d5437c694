"""Sessions from poll to poll: who is new, who left, and the few of thousands that are not simply idle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pgscope.analysis.activity import is_own, is_waiting_for_lock
from pgscope.sample import Poll, Session


class Roster:
    """A fold over polls that other folds share, so that an idle session costs none of them anything.

    Each feeds it the poll that it was given; the first of them does the work. A session that is the object
    that it was is not looked at again.
    """

    def __init__(self) -> None:
        self._poll: Poll | None = None
        self.polls = 0
        """How many it was given so far."""
        self._by_pid: dict[int, Session] = {}
        self._counted: Counter[str] = Counter()
        self.changed: Sequence[Session] = ()
        """Sessions that are other objects than at the poll before, or were not there."""
        self.left: Sequence[Session] = ()
        """Sessions of the poll before whose backend is not there any more."""
        self.busy: dict[int, Session] = {}
        """By pid, all but clients of others that are idle, wait for nothing and hold nothing back."""
        self.unnamed: dict[int, Session] = {}
        """By pid, clients without an application_name."""
        self.applications: Counter[str] = Counter()
        """Client sessions of each application, pgscope's own left out."""

    @property
    def clients(self) -> int:
        """Client sessions, pgscope's own too."""
        return self._counted["clients"]

    @property
    def own(self) -> int:
        """Client sessions of pgscope."""
        return self._counted["own"]

    @property
    def starting(self) -> int:
        """Clients that were not let in yet."""
        return self._counted["starting"]

    @property
    def all(self) -> Mapping[int, Session]:
        """By pid, the sessions of the last poll."""
        return self._by_pid

    def feed(self, poll: Poll) -> None:
        """Take in a poll; the same one again is passed over."""
        if poll is self._poll:
            return
        before, old, now = self._by_pid, self._poll.sessions if self._poll else (), poll.sessions
        self._poll = poll
        self.polls += 1
        pairs = [(a, b) for a, b in zip(old, now, strict=False) if a is not b]
        if len(old) == len(now) and all(a.pid == b.pid for a, b in pairs):
            changed: list[tuple[Session | None, Session]] = list(pairs)
            before.update((b.pid, b) for _, b in pairs)
            gone: list[Session] = []
        else:
            self._by_pid = after = {session.pid: session for session in now}
            changed = [(a, b) for pid, b in after.items() if (a := before.get(pid)) is not b]
            gone = [session for pid, session in before.items() if pid not in after]
        for session in gone:
            self._count(session, -1)
            self.busy.pop(session.pid, None)
            self.unnamed.pop(session.pid, None)
        replaced = [a for a, b in changed if a is not None and a.backend_start != b.backend_start]
        self.left = gone + replaced
        self.changed = [b for _, b in changed]
        for a, b in changed:
            if a is not None:
                self._count(a, -1)
            self._count(b, 1)
            _sort(self.busy, b, not _is_idle(b))
            _sort(self.unnamed, b, b.is_client and not b.application_name.strip())

    def _count(self, session: Session, sign: int) -> None:
        if session.is_client:
            self._counted["clients"] += sign
            if is_own(session):
                self._counted["own"] += sign
                return
            self.applications[session.application_name] += sign
            if not self.applications[session.application_name]:
                del self.applications[session.application_name]
        elif session.is_starting:
            self._counted["starting"] += sign


def _sort(into: dict[int, Session], session: Session, belongs: bool) -> None:
    if belongs:
        into[session.pid] = session
    else:
        into.pop(session.pid, None)


def _is_idle(session: Session) -> bool:
    return (
        session.state == "idle"
        and session.xmin_age is None
        and session.is_client
        and not is_waiting_for_lock(session)
        and not is_own(session)
    )
