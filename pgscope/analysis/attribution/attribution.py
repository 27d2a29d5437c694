"""The fold: samples and statement deltas in, shares of applications out."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from pgscope.analysis.attribution.groups import Partition, SessionBook
from pgscope.analysis.attribution.monitor import MonitorBook
from pgscope.analysis.attribution.shares import (
    ApplicationStatement,
    ApplicationStatements,
    Share,
    unattributed,
)
from pgscope.analysis.attribution.sheet import Circumstances, Sheet, Total
from pgscope.analysis.attribution.totals import StatementTotals
from pgscope.analysis.counters import NOTHING, Counts, Interval
from pgscope.analysis.roster import Roster
from pgscope.packed import packed_items
from pgscope.sample import (
    Connected,
    Look,
    Monitored,
    Poll,
    Sample,
    StatementKey,
    StatementTexts,
)

_LONGEST_CONTROL = 200
"""Characters: a BEGIN or COMMIT with all its options is shorter."""

_OLD_ENOUGH = 10.0
"""Seconds that the sums of the whole watch may be old where they stand in for what is quiet now."""

_FRESH, _FRESH_MOST = 1 / 15, 1 / 6
"""Parts of the window that may go by until shares are worked out anew for statements that have theirs: at the
least, and where it is much work."""

_CELLS_A_SECOND = 1000
"""Cells times steps that may be solved for each second that goes by: about 10 ms of work."""


class Attribution:
    """Who runs what: feed it all samples, and what the statement counters did between polls.

    `seconds` is the length of the sliding window.
    """

    def __init__(self, seconds: float = 60.0, roster: Roster | None = None) -> None:
        self._seconds = seconds
        self._roster = roster or Roster()
        self._book = SessionBook(self._roster)
        self._totals = StatementTotals()
        self._monitor = MonitorBook()
        self._lengths: deque[float] = deque()
        self._begin: float | None = None
        self._sheets: dict[tuple[Partition, bool], _Known] = {}
        self.solve_s = 0.0
        """Seconds that shares may be old, at the least: to solve for them is most of what they take."""
        self._at_home: dict[bool, tuple[int, dict[Partition, list[StatementKey]]]] = {}

    def feed(self, sample: Sample) -> None:
        """Take in a sample of any kind; those that say nothing of who runs what are passed over."""
        if isinstance(sample, Look):
            self._book.look(sample)
        elif isinstance(sample, Poll):
            self._roster.feed(sample)
            for session in self._roster.changed:
                if session.query_id is not None and len(session.query) < _LONGEST_CONTROL:
                    self._book.learn_text(session.query_id, session.query)
            self._book.poll(sample)
        elif isinstance(sample, StatementTexts):
            for (_, query_id), text in packed_items(sample.texts):
                if isinstance(text, str) and len(text) < _LONGEST_CONTROL:
                    self._book.learn_text(query_id, text)
        elif isinstance(sample, Monitored):
            self._monitor.feed(sample)
        elif isinstance(sample, Connected):
            self._book.own(sample.facts.own_pids)
            self._book.restart()

    def observe(self, interval: Interval) -> None:
        """Take in what the statements did since the interval before; closes a tick."""
        if self._begin is None:
            self._begin = interval.mono
        self._lengths.append(interval.seconds)
        while len(self._lengths) > 1 and sum(self._lengths) - self._lengths[0] >= self._seconds:
            self._lengths.popleft()
        keep = len(self._lengths)
        self._totals.add(interval.deltas, keep)
        self._book.end_tick(interval.mono, keep)

    def __len__(self) -> int:
        """How many statements it keeps sums of."""
        return len(self._totals)

    def forget_all_but(self, keep: Collection[StatementKey]) -> None:
        """Drop what is known of statements that the server has thrown out, unless the window has them."""
        self._totals.forget_all_but(keep)
        kept = {(key.dbid, key.queryid) for key in (*keep, *self._totals.keys(window=False))}
        self._book.forget_all_but(kept)

    def shares(self, key: StatementKey, *, watch: bool = False) -> tuple[Share, ...]:
        """The shares of a statement over the window, or over the whole watch; they sum to one."""
        counted = self._monitor.shares(key, None if watch else self._seconds)
        if counted:
            return counted
        partition = (key.userid, key.dbid)
        if not key.toplevel:
            return (self._inside(partition),)
        home = self._home(key)
        shares = self._sheet(home, watch, asked=key.queryid).shares(key.queryid)
        if not watch and shares[0].application_name is None and len(shares) == 1:
            # Not seen in the window, but before.
            shares = self._sheet(home, True, _OLD_ENOUGH).shares(key.queryid)
        if home != partition:
            basis = "run in sessions of another user (SET ROLE)"
            return tuple(replace(share, basis=(*share.basis, basis)) for share in shares)
        return shares

    def counts(self, key: StatementKey, *, watch: bool = False) -> Counts:
        """What a statement did over the same time, all applications together."""
        return self._totals.counts(key, window=not watch)

    def applications(self, *, watch: bool = False) -> tuple[ApplicationStatements, ...]:
        """By application: its statements and totals. The last, with name None, is what remains.

        All totals together are what the statements did. Largest execution time first.
        """
        found: dict[str | None, list[ApplicationStatement]] = {}
        for key in list(self._totals.keys(window=not watch)):
            counts = self.counts(key, watch=watch)
            for share in self.shares(key, watch=watch):
                part = ApplicationStatement(key, counts.times(share.share), share)
                found.setdefault(share.application_name, []).append(part)
        result = [_summed(name, parts) for name, parts in found.items()]
        result.sort(key=lambda one: (one.application_name is None, -one.total.exec_time))
        return tuple(result)

    @property
    def seconds(self) -> float:
        """Length of the present window."""
        return sum(self._lengths)

    def _inside(self, partition: Partition) -> Share:
        """A statement inside of a function: sessions show the statement that called the function.

        It is counted for the function's owner where that is SECURITY DEFINER, whoever the caller is.
        """
        book, (_, datid) = self._book, partition
        names = {name for (_, there), found in book.names.items() if there == datid for name in found}
        if len(names) == 1:
            brief = any(there == datid for (_, there), many in book.short_lived.items() if many)
            basis = "no other application was seen in this database"
            return Share(
                names.pop(), 1.0, 0.0 if brief else 1.0, 1.0, 0, "sampled" if brief else "exact", (basis,)
            )
        return unattributed("it runs inside a function: sessions show the statement that called it")

    def _home(self, key: StatementKey) -> Partition:
        """Where the sessions are that ran it: pg_stat_statements counts for the role of SET ROLE.

        Sessions keep the user they logged in as. If those of one other user only were seen running it, and
        nothing was counted for that user, it was they.
        """
        seen = self._book.users_of.get((key.dbid, key.queryid), ())
        if seen and key.userid not in seen and len(others := self._under_other_roles(key)) == 1:
            return (others[0], key.dbid)
        return (key.userid, key.dbid)

    def _under_other_roles(self, key: StatementKey) -> list[int]:
        """Other users whose sessions were seen running it, and for whom nothing of it was counted."""
        seen = self._book.users_of.get((key.dbid, key.queryid), ())
        return [
            user
            for user in seen
            if user != key.userid and self.counts(key._replace(userid=user), watch=True).calls <= 0
        ]

    def _homes(self, watch: bool) -> dict[Partition, list[StatementKey]]:
        """The statements of each partition, worked out once a tick for all sheets."""
        known = self._at_home.get(watch)
        now = len(self._book.ticks)
        if known is None or known[0] != now:
            found: dict[Partition, list[StatementKey]] = {}
            for key in self._totals.keys(window=not watch):
                if key.toplevel:
                    found.setdefault(self._home(key), []).append(key)
            known = self._at_home[watch] = (now, found)
        return known[1]

    def _sheet(
        self, partition: Partition, watch: bool, old_enough: float = 0.0, asked: int | None = None
    ) -> Sheet:
        """The sheet of a partition; `asked` is a statement that it should have.

        In seconds of age: up to the first bound (at least `old_enough`) it holds whatever is new, since it is
        much work or somebody has time; from there to the second it holds while nothing is new.
        """
        known = self._sheets.get((partition, watch))
        now = self._book.ticks[-1] if len(self._book.ticks) else 0.0
        news = self._book.news.get(partition, 0)
        if known is not None:
            age, work = now - known.mono, known.sheet.cost / _CELLS_A_SECOND
            if age == 0.0 or 0.0 < age < max(self.solve_s, old_enough, work):
                return known.sheet
            told = known.news == news and (asked is None or known.sheet.has(asked))
            part = min(_FRESH * (1.0 + work), _FRESH_MOST)
            if told and not watch and 0.0 < age < part * self.seconds:
                return known.sheet
        sheet = self._make_sheet(partition, watch, known.sheet if known is not None else None)
        self._sheets[(partition, watch)] = _Known(sheet, now, news)
        return sheet

    def _make_sheet(self, partition: Partition, watch: bool, before: Sheet | None) -> Sheet:
        book, totals = self._book, self._totals
        end = book.ticks[-1] if book.ticks else 0.0
        ticks = len(self._lengths)
        if watch:
            begin = self._begin or 0.0
            looks = book.look_count
        else:
            begin = end - sum(self._lengths)
            looks = book.look_count - (book.looks[-ticks - 1] if len(book.looks) > ticks else 0)
        statements: dict[int, Total] = {}
        roles: set[int] = set()
        for key in self._homes(watch).get(partition, ()):
            total = Total(*totals.brief(key, window=not watch))
            statements[key.queryid] = total.plus(statements.get(key.queryid))
            if key.userid == partition[0] and self._under_other_roles(key):
                roles.add(key.queryid)
        about = Circumstances(
            looks,
            max(end - begin, 0.0),
            book.controls,
            book.names.get(partition, {}),
            book.names_of.get(partition, {}),
            book.short_lived.get(partition, 0) > 0,
            roles,
        )
        groups = book.groups(partition, begin, end, window=not watch)
        return Sheet(statements, groups, about, before)


class _Known(NamedTuple):
    """A sheet, the end of the tick it was made in (mono), and what was new then (`SessionBook.news`)."""

    sheet: Sheet
    mono: float
    news: int


def _summed(name: str | None, parts: list[ApplicationStatement]) -> ApplicationStatements:
    parts.sort(key=lambda part: -part.counts.exec_time)
    sums: dict[str, Counts] = {}
    for part in parts:
        kind = part.share.attribution
        sums[kind] = sums.get(kind, NOTHING).plus(part.counts)
    return ApplicationStatements(
        name,
        tuple(parts),
        sums.get("exact", NOTHING),
        sums.get("measured", NOTHING),
        sums.get("sampled", NOTHING),
    )
