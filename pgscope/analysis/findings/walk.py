"""One great page: a job that reads its rows once and asks for each, where nothing comes again to compare.

What is left is the sum: look-ups that begin with the parent, are as many as its rows, exactly, and then stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from pgscope.analysis.findings.conservation import MOST_PER_ROW
from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.relation import Relationship
from pgscope.analysis.findings.series import Cell, Group
from pgscope.dataclass import dataclass

LEAST = 50.0
"""Rows; as many look-ups as a shorter page has rows is chance too often."""
QUIET = 3
"""Windows without look-ups before the parent, and after the last of them."""
LONGEST = 3600
"""Windows that a walk may take."""
SWEPT = 60
"""Windows after which a page lets go of groups that are no more."""
MOST = 32
"""Pages that are followed at a time."""
MOST_WALKS = 20
"""Children that may begin with a page; where more do everything began, and each sum had its chance."""
TRIED = 16
"""Pages after which what they told of a parent and a child counts half."""
REMEMBERED = 1000
"""Parents and children of which it is known how often they added up."""

Name: TypeAlias = "tuple[int, int, str]"
"""What a group is known by when it was forgotten and comes again: database, role and fingerprint."""


@dataclass
class Walk:
    """A child that may be walking over a parent's rows."""

    parent: Group
    child: Group
    tie: Relationship
    rows: float
    calls: float = 0.0
    exec_time: float = 0.0
    seconds: float = 0.0
    last: int = 0
    """The last window with look-ups."""
    began: int = 0
    """The window of the parent."""

    @property
    def per_row(self) -> int:
        """Look-ups for each row, 0 where they do not add up."""
        whole = round(self.calls / self.rows)
        return whole if 1 <= whole <= MOST_PER_ROW and self.calls == whole * self.rows else 0

    def count(self, cell: Cell, page: _Page) -> None:
        """Take what the child did in a window."""
        self.calls += cell.calls
        self.exec_time += cell.exec_time
        self.seconds, self.last = page.seconds, cell.window


@dataclass
class _Page:
    """A parent that returned many rows in one call."""

    parent: Group
    window: int
    rows: float
    walks: dict[Group, Walk] = field(default_factory=dict)
    others: set[Group] = field(default_factory=set)
    """What was at work before, or is not tied to the parent, or is over."""
    given_up: bool = False
    seconds: float = 0.0
    """From the beginning of its window."""


class Walks:
    """A fold over windows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pages: dict[Name, _Page] = {}
        self._tries: dict[tuple[Name, Name], tuple[float, float]] = {}
        """Of a parent and a child: pages that added up, and that did not."""

    def clear(self) -> None:
        """Counters began anew."""
        self._pages.clear()
        self._tries.clear()

    def window(self) -> Iterator[Walk]:
        """Take the newest window; gives the walks that were over `QUIET` windows ago and add up."""
        series = self._context.series
        newest = series.newest
        recent = [group for group in series.active() if group.cells and group.last > newest - QUIET]
        for group in recent:
            self._begin(group)
        if not self._pages:
            return
        busy = [group for group in recent if group.last == newest and group.shape.looks_up]
        found: dict[Group, Walk] = {}
        for name, page in list(self._pages.items()):
            page.seconds += series.length(1)
            age = newest - page.window
            at_work = [walk for walk in page.walks.values() if walk.child.last == newest]
            for walk in at_work:
                walk.count(walk.child.cells[-1], page)
            if (age <= 2 * QUIET or not at_work) and not page.given_up:
                # A second loop over the same rows begins when the first is over.
                self._begin_walks(page, busy)
            for walk in [walk for walk in page.walks.values() if newest - walk.last >= QUIET]:
                del page.walks[walk.child]
                page.others.add(walk.child)
                if self._adds_up(walk) and (walk.child not in found or _likelier(walk, found[walk.child])):
                    found[walk.child] = walk
            if age % SWEPT == 0:
                page.others = {group for group in page.others if group.cells}
            if age > LONGEST or (not page.walks and age > 2 * QUIET):
                del self._pages[name]
        yield from found.values()

    def _begin(self, group: Group) -> None:
        """A new page, where it is one: a parent called again begins anew."""
        cell = group.cells[-1]
        one = cell.calls == 1 and cell.rows >= LEAST
        if not (one or self._pages) or not group.shape.lists_rows:
            return
        name = _name(group)
        known = self._pages.get(name)
        if known is not None and known.window == cell.window:
            return
        if known is not None:
            del self._pages[name]
        series = self._context.series
        alone = len(group.cells) == 1 or group.cells[-2].window < cell.window - QUIET
        # What was before the first window nobody knows.
        if one and alone and cell.window - QUIET >= series.oldest and len(self._pages) < MOST:
            # Its text may have come later than it was called.
            gone = series.length(series.newest - cell.window + 1) - series.length(1)
            self._pages[name] = _Page(group, cell.window, cell.rows, seconds=gone)

    def _begin_walks(self, page: _Page, busy: Sequence[Group]) -> None:
        for group in busy:
            if group in page.others or group in page.walks or group.dbid not in self._context.schemas:
                continue  # the schema is being asked for
            walk = self._walk(page, group)
            if walk is None:
                page.others.add(group)
                continue
            page.walks[group] = walk
            for cell in group.cells:
                if cell.window >= page.window:
                    walk.count(cell, page)
            if len(page.walks) > MOST_WALKS:
                page.given_up = True
                page.walks.clear()
                return

    def _walk(self, page: _Page, group: Group) -> Walk | None:
        parent = page.parent
        if group is parent or (group.dbid, group.userid) != (parent.dbid, parent.userid):
            return None
        if not _silent_before(group, page.window):
            return None
        tie = self._context.schemas[group.dbid].relationship(group.shape, parent.shape)
        return Walk(parent, group, tie, page.rows, began=page.window) if tie is not None else None

    def _adds_up(self, walk: Walk) -> bool:
        """Whether it does, and these two do more often than not: a list that is read again and again is
        followed by as many look-ups as it has rows now and then."""
        both = _name(walk.parent), _name(walk.child)
        hits, misses = self._tries.pop(both, (0.0, 0.0))
        if hits + misses >= TRIED:
            hits, misses = hits / 2, misses / 2
        hits, misses = (hits + 1, misses) if walk.per_row else (hits, misses + 1)
        self._tries[both] = hits, misses
        if len(self._tries) > REMEMBERED:
            del self._tries[next(iter(self._tries))]
        return walk.per_row > 0 and hits > misses


def _name(group: Group) -> Name:
    return (group.dbid, group.userid, group.shape.fingerprint)


def _silent_before(group: Group, window: int) -> bool:
    for cell in reversed(group.cells):
        if cell.window < window:
            return cell.window < window - QUIET
    return True


def _likelier(walk: Walk, other: Walk) -> bool:
    """Of two parents that a child's look-ups add up with: one each, and the one that was read last."""
    return (-walk.per_row, walk.began) > (-other.per_row, other.began)


def numbers(walk: Walk) -> Mapping[str, float]:
    """Of its evidence."""
    return {"rows": walk.rows, "calls": walk.calls, "seconds": round(walk.seconds, 1)}
