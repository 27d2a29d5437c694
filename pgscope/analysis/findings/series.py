"""What each statement did in the last windows of about a second, entries of the same text merged.

Only statements that did something cost anything. Entries below the top level (statements inside
functions) are left out: the program cannot change their number without changing the function's calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pgscope.analysis.activity import is_own_text
from pgscope.analysis.counters import Counts, Interval
from pgscope.analysis.shape import UNKNOWN, Shape, shape_of
from pgscope.packed import Texts, pack, unpack
from pgscope.sample import StatementKey

SPAN = 30
"""Windows kept: what the evidence rests on."""

SHORTEST = 0.9
"""Seconds; intervals of faster polls are put together to windows of at least this."""

PARSES = 100
"""Entries admitted (and parsed) at most in each window: a first look at thousands takes no visible time."""


UNTOLD = 500
"""Entries whose doings are kept until their text comes."""

TEXTS = 20_000
"""Texts kept: four times what pg_stat_statements holds by default."""


class GroupKey(NamedTuple):
    """What names merged entries: same database, role and text but for constants."""

    dbid: int
    userid: int
    fingerprint: str
    single_row: bool


class Cell(NamedTuple):
    """What a statement did in one window."""

    window: int
    calls: float
    rows: float
    exec_time: float
    shared_read: float
    shared_hit: float


class Group:
    """Entries of one text: what they did in each window."""

    def __init__(self, dbid: int, userid: int, text: str, shape: Shape) -> None:
        self.dbid = dbid
        self.userid = userid
        self._text = pack(text)
        self.shape = shape
        self.keys: list[StatementKey] = []
        self.cells: deque[Cell] = deque()
        self.first = -1
        """The first window in which it was seen to do anything."""
        self.calls = 0.0
        self.rows = 0.0

    @property
    def text(self) -> str:
        """The text of the first of its entries."""
        return unpack(self._text)

    def add(self, window: int, counts: Counts) -> None:
        """Count into the newest window."""
        if self.first < 0:
            self.first = window
        calls, rows, exec_time, _, hit, read = counts[:6]
        if self.cells and self.cells[-1].window == window:
            last = self.cells.pop()
            self.cells.append(
                Cell(
                    window,
                    last.calls + calls,
                    last.rows + rows,
                    last.exec_time + exec_time,
                    last.shared_read + read,
                    last.shared_hit + hit,
                )
            )
        else:
            self.cells.append(Cell(window, calls, rows, exec_time, read, hit))
        self.calls += calls
        self.rows += rows

    def expire(self, oldest: int) -> bool:
        """Forget windows before `oldest`; whether anything is left."""
        cells = self.cells
        while cells and cells[0].window < oldest:
            gone = cells.popleft()
            self.calls -= gone.calls
            self.rows -= gone.rows
        return bool(cells)

    @property
    def last(self) -> int:
        """The last window in which it did something."""
        return self.cells[-1].window if self.cells else -1

    @property
    def exec_time(self) -> float:
        """In the windows kept, ms."""
        return sum(cell.exec_time for cell in self.cells)

    @property
    def shared_read(self) -> float:
        """Blocks read in the windows kept."""
        return sum(cell.shared_read for cell in self.cells)

    def spread(self, oldest: int, newest: int) -> tuple[list[float], list[float]]:
        """Calls and rows of every window from `oldest` to `newest`, zeros included."""
        calls = [0.0] * (newest - oldest + 1)
        rows = calls.copy()
        for cell in self.cells:
            place = cell.window - oldest
            if 0 <= place < len(calls):
                calls[place] = cell.calls
                rows[place] = cell.rows
        return calls, rows


class Series:
    """A fold over intervals and texts: the groups and their last windows."""

    def __init__(self) -> None:
        self.groups: dict[GroupKey, Group] = {}
        self.newest = -1
        self.parses = PARSES
        """Entries admitted (and parsed) at most in each window, the busiest first."""
        self._seconds: deque[float] = deque(maxlen=SPAN)
        self._pending: dict[StatementKey, Counts] = {}
        self._pending_s = 0.0
        self._texts = Texts()
        self._group_of: dict[StatementKey, Group] = {}
        self._untold: dict[StatementKey, list[tuple[int, Counts]]] = {}
        """What entries did before their text was known."""

    @property
    def oldest(self) -> int:
        """The oldest window kept."""
        return self.newest - len(self._seconds) + 1

    @property
    def seconds(self) -> float:
        """Length of the windows kept, together."""
        return sum(self._seconds)

    def length(self, windows: int) -> float:
        """Seconds in the newest so many windows."""
        recent = list(self._seconds)[-windows:] if windows > 0 else []
        return sum(recent)

    def restart(self) -> None:
        """Forget the windows: counters began anew."""
        self._pending.clear()
        self._untold.clear()
        self._pending_s = 0.0
        self._seconds.clear()
        for group in self.groups.values():
            group.cells.clear()
            group.first = -1
            group.calls = group.rows = 0.0
        self.groups.clear()
        self._group_of.clear()

    def learn(self, texts: Mapping[tuple[int, int], str]) -> None:
        """Texts by (dbid, queryid)."""
        self._texts.take(texts)
        while len(self._texts) > TEXTS:
            del self._texts[next(iter(self._texts))]

    def text_of(self, dbid: int, queryid: int) -> str:
        """The text of an entry, '' if it is not known."""
        return self._texts.get((dbid, queryid), "")

    def group_of(self, key: StatementKey) -> Group | None:
        """The group that an entry was merged into."""
        return self._group_of.get(key)

    def observe(self, interval: Interval) -> bool:
        """Take what an interval did; whether that completed a window."""
        if interval.seconds <= 0:
            self.restart()
            return False
        pending = self._pending
        if pending:
            for key, counts in interval.deltas.items():
                if key.toplevel:
                    before = pending.get(key)
                    pending[key] = counts if before is None else before.plus(counts)
        else:
            self._pending = {key: counts for key, counts in interval.deltas.items() if key.toplevel}
        self._pending_s += interval.seconds
        if self._pending_s < SHORTEST:
            return False
        self._close()
        return True

    def _close(self) -> None:
        self.newest += 1
        self._seconds.append(self._pending_s)
        newest = self.newest
        fresh: list[tuple[StatementKey, Counts]] = []
        known = self._group_of
        for key, counts in self._pending.items():
            group = known.get(key)
            if group is None:
                fresh.append((key, counts))
            else:
                group.add(newest, counts)
        self._pending = {}
        self._pending_s = 0.0
        if fresh:
            self._admit(fresh)
        self._admit_told()
        self._expire()

    def _admit_told(self) -> None:
        """Entries whose text came after all that they did."""
        names = [key for key in self._untold if (key.dbid, key.queryid) in self._texts.packed]
        for key in names[: self.parses]:
            self._admit_one(key, None)

    def _admit(self, fresh: list[tuple[StatementKey, Counts]]) -> None:
        """Find the groups of entries not seen before, the busiest first; the rest wait a window."""
        if len(fresh) > self.parses:
            fresh.sort(key=lambda item: -item[1].calls)
        for key, counts in fresh[: self.parses]:
            self._admit_one(key, counts)
        while len(self._untold) > UNTOLD:
            del self._untold[next(iter(self._untold))]

    def _admit_one(self, key: StatementKey, counts: Counts | None) -> None:
        """`counts` is what it did in the newest window."""
        text = self._texts.get((key.dbid, key.queryid))
        if text is None:
            if counts is not None:
                kept = self._untold.setdefault(key, [])
                kept.append((self.newest, counts))
                if kept[0][0] < self.oldest:  # some texts never come
                    del kept[0]
            return
        before = self._untold.pop(key, [])
        if is_own_text(text):
            return
        shape = shape_of(text)
        name = GroupKey(
            key.dbid, key.userid, shape.fingerprint or text, shape is not UNKNOWN and shape.single_row
        )
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(key.dbid, key.userid, text, shape)
        group.keys.append(key)
        self._group_of[key] = group
        begun = bool(group.cells)
        for window, earlier in before:
            if window >= self.oldest:
                # Of an entry more of what is at work already the sum counts: a moment late, but all of it.
                group.add(self.newest if begun else window, earlier)
        if counts is not None:
            group.add(self.newest, counts)

    def _expire(self) -> None:
        """Drop what did nothing in any window kept."""
        oldest = self.oldest
        gone: list[GroupKey] = []
        for name, group in self.groups.items():
            cells = group.cells
            if (not cells or cells[0][0] < oldest) and not group.expire(oldest):
                gone.append(name)
        for name in gone:
            group = self.groups.pop(name)
            for key in group.keys:
                self._group_of.pop(key, None)

    def active(self) -> Iterable[Group]:
        """Groups that did something in the windows kept."""
        return self.groups.values()
