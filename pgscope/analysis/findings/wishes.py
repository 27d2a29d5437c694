"""What the findings need read: the schema of a database, a burst probe of a session. Few, and told once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.pairs import Pair
from pgscope.analysis.findings.proof import grade
from pgscope.analysis.findings.series import Group
from pgscope.analysis.findings.sightings import SessionKey
from pgscope.sample import BurstWanted, CatalogWanted, Wanted

CATALOG_AGAIN = 900.0
"""Seconds until a schema is read again."""
CATALOG_RETRY = 60.0
"""Seconds until a schema that was asked for and never came is asked for again."""
BUSY_LOOKUP = 10.0
"""Calls a second from which on a look-up without a parent is worth a probe."""
BUSY_WRITE = 3.0
CONSIDERED = 12
ENOUGH = 5
"""Transactions in which a statement was seen by probes, after which no more are spent on it for a while."""
SETTLED = 15
"""Windows after which a probe may say what the counters have not."""


class Wishes:
    """Decides after each window what to ask for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted: list[Wanted] = []
        self._asked: dict[int, float] = {}

    def take(self) -> tuple[Wanted, ...]:
        """The wishes since the last call."""
        wanted, self._wanted = tuple(self._wanted), []
        return wanted

    def consider(self, mono: float, pairs: Sequence[Pair]) -> None:
        """Ask for schemas not known, and for one probe where it would say most."""
        self._wanted.clear()
        self._catalogs(mono)
        target = self._target(mono, pairs)
        if target is not None:
            self._wanted.append(target)

    def _catalogs(self, mono: float) -> None:
        for datid in {group.dbid for group in self._context.series.active() if _concerns(group)}:
            known = self._context.schemas.get(datid)
            if known is not None and mono - known.mono < CATALOG_AGAIN:
                continue
            asked = self._asked.get(datid)
            if asked is None or mono - asked >= CATALOG_RETRY:
                self._asked[datid] = mono
                self._wanted.append(CatalogWanted(datid, self._context.databases.get(datid, "")))

    def _target(self, mono: float, pairs: Sequence[Pair]) -> BurstWanted | None:
        book = self._context.book
        newest = self._context.series.newest
        open_pairs = [
            pair
            for pair in pairs
            # A pair on its way is proved sooner by the next windows.
            if (
                pair.verdict.kind != "rows"
                or pair.tie is None
                or newest - pair.first >= SETTLED
                or pair.child.shape.writes_one
            )
            and (
                grade(self._context, pair)[0] != "confirmed"
                or (pair.child.shape.writes_one and not self._context.takes_turns(pair.child))
            )
        ]
        wishes: list[tuple[object, list[Group], tuple[str, ...]]] = [
            (("pair", id(pair.child)), [pair.child, pair.parent], pair.applications) for pair in open_pairs
        ]
        paired = {id(pair.child) for pair in pairs}
        wishes += [(("busy", id(group)), [group], ()) for group in self._busy(paired)]
        order = {name: place for place, name in enumerate(book.prefer([wish[0] for wish in wishes]))}
        for name, groups, applications in sorted(wishes, key=lambda wish: order[wish[0]]):
            session = self._session(groups, applications)
            child = groups[0]
            # A short run of writes is on its way to be proved: it is no probe that showed nothing.
            begun = child.shape.writes_one and self._context.takes_turns(child)
            seen = book.transactions(child.keys) > 0 and not begun
            if session is not None and book.may_ask(name, mono, seen=seen):
                return BurstWanted(*session)
        return None

    def _busy(self, paired: set[int]) -> list[Group]:
        """Look-ups and single writes at a rate that only a loop, or very many clients, reach.

        A probe tells of all that its session ran, so many need none of their own. Writes come first: nothing
        but a probe tells of them.
        """
        series, book = self._context.series, self._context.book
        seconds = series.seconds or 1.0

        def worth(group: Group) -> bool:
            if group.shape.writes_one:
                return group.calls >= BUSY_WRITE * seconds and group.rows <= 1.5 * group.calls
            settled = series.newest - group.first >= SETTLED
            return group.shape.looks_up and settled and group.calls >= BUSY_LOOKUP * seconds

        busy = [
            group
            for group in series.active()
            if worth(group) and id(group) not in paired and book.transactions(group.keys) < ENOUGH
        ]
        busy.sort(key=lambda group: (group.shape.looks_up, -group.calls))
        return busy[:CONSIDERED]

    def _session(self, groups: Iterable[Group], applications: tuple[str, ...]) -> SessionKey | None:
        """The session seen with it last, that still lives, of these applications if they are known."""
        poll = self._context.poll
        if poll is None:
            return None
        alive = {SessionKey(row.pid, row.backend_start) for row in poll.sessions}
        for group in groups:
            seen = self._context.sightings.sessions(group.keys)
            fit = [
                (mono, session)
                for session, (application, mono) in seen.items()
                if session in alive and (not applications or application in applications)
            ]
            if fit:
                return max(fit)[1]
        return None


def _concerns(group: Group) -> bool:
    return group.shape.looks_up or group.shape.writes_one
