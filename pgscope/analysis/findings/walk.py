"""One great page: a job that reads its rows once and asks for each, where nothing comes again to compare.

What is left is the sum: look-ups that begin with the parent, are as many as its rows, exactly, and then stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from pgscope.analysis.findings.conservation import MOST_PER_ROW
from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.relation import Relationship
from pgscope.analysis.findings.series import Group
from pgscope.dataclass import dataclass

LEAST = 50.0
"""Rows; as many look-ups as a shorter page has rows is chance too often."""
QUIET = 3
"""Windows without look-ups before the parent, and after the last of them."""
LONGEST = 3600
"""Windows that a walk may take."""
MOST = 32
"""Walks that are followed at a time."""


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

    @property
    def per_row(self) -> int:
        """Look-ups for each row, 0 where they do not add up."""
        whole = round(self.calls / self.rows)
        return whole if 1 <= whole <= MOST_PER_ROW and self.calls == whole * self.rows else 0


@dataclass
class _Page:
    """A parent that returned many rows in one call."""

    parent: Group
    window: int
    rows: float
    walks: dict[int, Walk] = field(default_factory=dict)
    others: dict[int, Group] = field(default_factory=dict)
    """What was at work before, or is not tied to the parent; by id, and kept that it stays theirs."""
    seconds: float = 0.0
    """From the beginning of its window."""


class Walks:
    """A fold over windows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pages: dict[int, _Page] = {}

    def clear(self) -> None:
        """Counters began anew."""
        self._pages.clear()

    def window(self) -> Iterator[Walk]:
        """Take the newest window; gives the walks that were over `QUIET` windows ago and add up."""
        series = self._context.series
        newest = series.newest
        recent = [group for group in series.active() if group.cells and group.last > newest - QUIET]
        for group in recent:
            self._begin(group)
        busy = [group for group in recent if group.last == newest and group.shape.looks_up]
        for page in list(self._pages.values()):
            page.seconds += series.length(1)
            for group in busy:
                self._follow(page, group, newest)
            over = [walk for walk in page.walks.values() if newest - walk.last >= QUIET]
            yield from (walk for walk in over if walk.per_row)
            for walk in over:
                page.others[id(walk.child)] = page.walks.pop(id(walk.child)).child
            age = newest - page.window
            if age > LONGEST or (not page.walks and age > 2 * QUIET):
                del self._pages[id(page.parent)]

    def _begin(self, group: Group) -> None:
        """A new page, where it is one: a parent called again begins anew."""
        if not group.shape.lists_rows:
            return
        cell, known = group.cells[-1], self._pages.get(id(group))
        if known is not None and known.window == cell.window:
            return
        if known is not None:
            del self._pages[id(group)]
        alone = len(group.cells) == 1 or group.cells[-2].window < cell.window - QUIET
        if cell.calls == 1 and cell.rows >= LEAST and alone and len(self._pages) < MOST:
            series = self._context.series
            # Its text may have come later than it was called.
            gone = series.length(series.newest - cell.window + 1) - series.length(1)
            self._pages[id(group)] = _Page(group, cell.window, cell.rows, seconds=gone)

    def _follow(self, page: _Page, group: Group, newest: int) -> None:
        walk = page.walks.get(id(group))
        if walk is None:
            if id(group) in page.others or group.dbid not in self._context.schemas:
                return  # the schema is being asked for
            walk = self._walk(page, group)
            if walk is None:
                page.others[id(group)] = group
                return
            page.walks[id(group)] = walk
            cells = [cell for cell in group.cells if cell.window >= page.window]
        else:
            cells = [group.cells[-1]]
        walk.calls += sum(cell.calls for cell in cells)
        walk.exec_time += sum(cell.exec_time for cell in cells)
        walk.seconds, walk.last = page.seconds, newest

    def _walk(self, page: _Page, group: Group) -> Walk | None:
        parent = page.parent
        if group is parent or (group.dbid, group.userid) != (parent.dbid, parent.userid):
            return None
        before = range(page.window - QUIET, page.window)
        if any(cell.window in before for cell in group.cells):
            return None
        tie = self._context.schemas[group.dbid].relationship(group.shape, parent.shape)
        return Walk(parent, group, tie, page.rows) if tie is not None else None


def numbers(walk: Walk) -> Mapping[str, float]:
    """Of its evidence."""
    return {"rows": walk.rows, "calls": walk.calls, "seconds": round(walk.seconds, 1)}
