"""Active sessions over time: how many there were, of which application, and what they waited for."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pgscope.analysis.activity import is_active, is_own, wait_class
from pgscope.sample import Poll


class Who(NamedTuple):
    """Whose activity it is: what the screen can group by."""

    application_name: str
    user: str
    database: str
    client_addr: str


@dataclass(frozen=True)
class LoadPoint:
    """Active sessions at one poll, by whose they are and what they wait for; pgscope's own left out."""

    at: float
    mono: float
    active: Mapping[tuple[Who, str], int]

    @property
    def total(self) -> int:
        """All active sessions."""
        return sum(self.active.values())

    def by_wait(self) -> dict[str, int]:
        """Active sessions by wait class."""
        found: Counter[str] = Counter()
        for (_, kind), count in self.active.items():
            found[kind] += count
        return dict(found)


class Load:
    """A fold over polls: the load of the last minutes. Parallel workers count, they use the server too."""

    def __init__(self, seconds: float = 300.0) -> None:
        self._seconds = seconds
        self._points: deque[LoadPoint] = deque()

    def feed(self, poll: Poll) -> None:
        """Take in one poll."""
        active: Counter[tuple[Who, str]] = Counter()
        for session in poll.sessions:
            if session.datid and is_active(session) and not is_own(session):
                who = Who(session.application_name, session.user, session.database, session.client_addr)
                active[(who, wait_class(session))] += 1
        self._points.append(LoadPoint(poll.at, poll.mono, dict(active)))
        while self._points and self._points[0].mono < poll.mono - self._seconds:
            self._points.popleft()

    @property
    def newest(self) -> LoadPoint:
        """The last one taken in. Raises IndexError before the first."""
        return self._points[-1]

    @property
    def points(self) -> tuple[LoadPoint, ...]:
        """Oldest first."""
        return tuple(self._points)


def average(points: tuple[LoadPoint, ...], field: str, seconds: float = 60.0) -> dict[str, float]:
    """Active sessions on average over the last `seconds`, by a field of `Who`."""
    if not points:
        return {}
    since = points[-1].mono - seconds
    recent = [point for point in points if point.mono >= since]
    sums: Counter[str] = Counter()
    for point in recent:
        for (who, _), count in point.active.items():
            sums[getattr(who, field)] += count
    return {key: count / len(recent) for key, count in sums.items()}
