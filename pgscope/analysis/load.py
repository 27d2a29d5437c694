"""Active sessions over time: how many there were, of which application, and what they waited for."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from pgscope.analysis.activity import CPU, is_active, is_own, wait_class
from pgscope.analysis.roster import Roster
from pgscope.dataclass import dataclass
from pgscope.sample import Poll

KEPT_S = 300.0
"""Seconds that the load is kept for."""
OTHER = "others"
"""What stands for all parts that are too many to show."""

WAIT_CLASSES = (CPU, "IO", "LWLock", "Lock", "BufferPin", "IPC", "Client", "Timeout", "Extension", "Activity")
"""From what works to what only waits."""


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
    calls_per_s: float | None = None
    """Statements each second, of the last interval; None where they are not counted (yet)."""
    _by: dict[str, Mapping[str, int]] = field(default_factory=dict, repr=False, compare=False)

    def by(self, name: str) -> Mapping[str, int]:
        """Active sessions by a field of `Who`; worked out once, for a point is asked again for a minute."""
        found = self._by.get(name)
        if found is None:
            sums: Counter[str] = Counter()
            for (who, _), count in self.active.items():
                sums[getattr(who, name)] += count
            found = self._by[name] = dict(sums)
        return found

    @property
    def total(self) -> int:
        """All active sessions."""
        return sum(self.active.values())


class Load:
    """A fold over polls: the load of the last minutes. Parallel workers count, they use the server too.

    Walsenders do not: a logical one is active for as long as it is connected, whatever there is to send.
    """

    def __init__(self, seconds: float = KEPT_S, roster: Roster | None = None) -> None:
        self._roster = roster or Roster()
        self._seconds = seconds
        self._points: deque[LoadPoint] = deque()

    def feed(self, poll: Poll, calls_per_s: float | None = None) -> None:
        """Take in one poll, and how many statements ran each second up to it."""
        active: Counter[tuple[Who, str]] = Counter()
        self._roster.feed(poll)
        for session in self._roster.busy.values():
            sends = session.backend_type == "walsender"
            if session.datid and is_active(session) and not sends and not is_own(session):
                who = Who(session.application_name, session.user, session.database, session.client_addr)
                active[(who, wait_class(session))] += 1
        self._points.append(LoadPoint(poll.at, poll.mono, dict(active), calls_per_s))
        while self._points and self._points[0].mono < poll.mono - self._seconds:
            self._points.popleft()

    def precede(self, points: Sequence[LoadPoint]) -> None:
        """Take in what was before the first point, oldest first, as far back as is kept."""
        if self._points:
            first, oldest = self._points[0].mono, self._points[-1].mono - self._seconds
            self._points.extendleft(one for one in reversed(points) if oldest <= one.mono < first)

    @property
    def newest(self) -> LoadPoint:
        """The last one taken in. Raises IndexError before the first."""
        return self._points[-1]

    @property
    def points(self) -> tuple[LoadPoint, ...]:
        """Oldest first."""
        return tuple(self._points)


Part = Callable[[Who, str], str | None]
"""Which part of the load an active session belongs to, by whose it is and its wait class; None: not shown."""


@dataclass(frozen=True)
class Stacked:
    """Active sessions on average in each of a row of equal stretches of time, part by part."""

    parts: tuple[str, ...]
    """In the order in which they stand on each other."""
    columns: tuple[tuple[float, ...] | None, ...]
    """Oldest first, a number for each part; None where nothing was polled."""
    recent: tuple[float, ...]
    """Of each part, over the last minute of them."""

    @property
    def tallest(self) -> float:
        """The highest column."""
        return max((sum(column) for column in self.columns if column is not None), default=0.0)


def stacked(
    points: Sequence[LoadPoint],
    part: Part,
    *,
    step: float,
    count: int,
    most: int = 7,
    order: Sequence[str] = (),
) -> Stacked:
    """The last `count` whole stretches of `step` seconds.

    Parts named in `order` come first, the rest by how much they are; past `most` they are one, OTHER.
    """
    newest = int(points[-1].mono // step) if points else 0
    sums: dict[int, Counter[str]] = {}
    polls: Counter[int] = Counter()
    for point in points:
        bucket = int(point.mono // step)
        if newest - count <= bucket < newest:
            polls[bucket] += 1
            found = sums.setdefault(bucket, Counter())
            for (who, kind), active in point.active.items():
                if (name := part(who, kind)) is not None:
                    found[name] += active
    total: Counter[str] = Counter()
    for found in sums.values():
        total.update(found)
    names = [name for name in order if name in total]
    names += sorted((name for name in total if name not in names), key=lambda name: (-total[name], name))
    folded = set(names[most - 1 :]) if len(names) > most else set()
    parts = (*(name for name in names if name not in folded), *([OTHER] if folded else []))

    def column(bucket: int) -> tuple[float, ...] | None:
        if not polls[bucket]:
            return None
        found: Counter[str] = Counter()
        for name, active in sums[bucket].items():
            found[OTHER if name in folded else name] += active
        return tuple(found[name] / polls[bucket] for name in parts)

    columns = tuple(column(bucket) for bucket in range(newest - count, newest))
    last = [one for one in columns[-max(1, round(60.0 / step)) :] if one is not None]
    recent = tuple(sum(one[n] for one in last) / len(last) if last else 0.0 for n in range(len(parts)))
    return Stacked(parts, columns, recent)


def average(points: tuple[LoadPoint, ...], of: str, seconds: float = 60.0) -> dict[str, float]:
    """Active sessions on average over the last `seconds`, by a field of `Who`."""
    if not points:
        return {}
    since = points[-1].mono - seconds
    recent = [point for point in points if point.mono >= since]
    sums: defaultdict[str, int] = defaultdict(int)
    for point in recent:
        for key, count in point.by(of).items():
            sums[key] += count
    return {key: count / len(recent) for key, count in sums.items()}
