"""One session followed over time: what it was seen running, and what its odometers counted, tick by tick."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from pgscope.analysis.attribution.tally import Counted, Tally, age_bucket
from pgscope.sample import Sighting

Habit: TypeAlias = Literal["autocommit", "transactions", "mixed", "unknown"]

_RARELY = 0.03
_PIPELINED = 0.001
"""Seconds from the start of a transaction to that of its present statement which a single statement in
autocommit (parse, bind, execute) hardly needs."""


class _Reading(NamedTuple):
    mono: float
    value: int
    application_name: str


class Track:
    """A session, from when it was first seen. Its sums are kept by application, for pools rename sessions."""

    def __init__(self, sighting: Sighting, mono: float) -> None:
        self.pid = sighting.pid
        self.backend_start = sighting.backend_start
        self.partition = (sighting.usesysid, sighting.datid)
        self.application_name = sighting.application_name
        self.first_mono = mono
        self.last_mono = mono
        self._renamed = 0
        self._sightings = 0
        self.window: dict[str, Tally] = {}
        self.ever: dict[str, Tally] = {}
        self._ticks: deque[tuple[int, dict[str, Tally]]] = deque()
        self._query_start: float | None = None
        self._sighting: Sighting | None = None
        self._transactions: _Reading | None = None
        self._buffers: _Reading | None = None
        self._in_autocommit = 0
        self._in_transaction = 0
        self._active = 0
        self._pipelined = 0
        self._names_since_buffers = {sighting.application_name}

    @property
    def habit(self) -> Habit:
        """How it works, by what was seen so far."""
        both = self._in_autocommit + self._in_transaction
        if not both:
            return "unknown"
        part = self._in_transaction / both
        if part <= _RARELY:
            return "autocommit"
        return "transactions" if part >= 1 - _RARELY else "mixed"

    @property
    def pipelined(self) -> float:
        """Part of its active sightings that look like a later statement of a pipeline."""
        return self._pipelined / self._active if self._pipelined >= 3 else 0.0

    @property
    def shared(self) -> bool:
        """Whether it changes its name so often that what it does between two looks is nobody's for sure."""
        return self._renamed > 0.05 * self._sightings

    def see(self, tick: int, sighting: Sighting, at: float, mono: float, ends: frozenset[int]) -> None:
        """Take in a sighting; `ends` are the query_ids that end transactions (COMMIT, ROLLBACK)."""
        if sighting.application_name != self.application_name:
            self.application_name = sighting.application_name
            self._names_since_buffers.add(sighting.application_name)
            self._renamed += 1
        self.last_mono = mono
        self._sightings += 1
        self._sighting = sighting
        self._learn_habit(sighting, ends)
        if sighting.query_id is None or sighting.query_start in (None, self._query_start):
            return
        self._query_start = sighting.query_start
        assert sighting.query_start is not None
        bucket = age_bucket(at - sighting.query_start)
        for tally in self._tallies(tick, sighting.application_name):
            tally.see(sighting.query_id, bucket)

    def see_again(self, sighting: Sighting, mono: float, ends: frozenset[int]) -> bool:
        """Take in a sighting if it is of what was seen last, as `see` would; whether it was."""
        if sighting is not self._sighting or sighting.application_name != self.application_name:
            return False
        if sighting.query_id is not None and sighting.query_start not in (None, self._query_start):
            return False
        self.last_mono = mono
        self._sightings += 1
        self._learn_habit(sighting, ends)
        return True

    def _learn_habit(self, sighting: Sighting, ends: frozenset[int]) -> None:
        state = sighting.state
        if state.startswith("idle in transaction"):
            self._in_transaction += 1
        elif state == "idle" and sighting.query_id is not None:
            if sighting.query_id in ends:
                self._in_transaction += 1
            else:
                self._in_autocommit += 1
        elif state == "active" and sighting.xact_start is not None and sighting.query_start is not None:
            self._active += 1
            self._pipelined += sighting.query_start - sighting.xact_start > _PIPELINED

    def count_transactions(self, value: int, mono: float, ticks: Sequence[float]) -> None:
        """Take in the transactions odometer; `ticks` are the ends of the ticks so far (mono)."""
        before = self._transactions
        self._transactions = now = _Reading(mono, value, self.application_name)
        if before is None or value < before.value or mono <= before.mono:
            return
        amount = float(value - before.value)
        # Who did it, if the name changed in between, is as good as unknown.
        names = (before.application_name, now.application_name)
        variance = 0.0 if names[0] == names[1] else (amount / 2) ** 2
        for name in names:
            self._spread("transactions", name, before.mono, mono, amount / 2, variance / 2, ticks)

    def count_buffers(self, value: int, mono: float, ticks: Sequence[float]) -> None:
        """Take in the buffers odometer, which moves about once a second."""
        before = self._buffers
        if before is not None and value == before.value:
            return
        self._buffers = _Reading(mono, value, self.application_name)
        names = sorted(self._names_since_buffers)
        self._names_since_buffers = {self.application_name}
        if before is None or value < before.value or mono <= before.mono:
            return
        amount = float(value - before.value) / len(names)
        variance = 0.0 if len(names) == 1 else amount**2
        for name in names:
            self._spread("buffers", name, before.mono, mono, amount, variance, ticks, 1.0 / len(names))

    def expire(self, oldest: int) -> None:
        """Forget, in the window's sums, what came before this tick."""
        while self._ticks and self._ticks[0][0] < oldest:
            for name, tally in self._ticks.popleft()[1].items():
                self.window[name].unmerge(tally)
        if not self._ticks:
            self.window.clear()

    def _spread(
        self,
        what: Literal["transactions", "buffers"],
        name: str,
        begin: float,
        end: float,
        amount: float,
        variance: float,
        ticks: Sequence[float],
        part: float = 0.5,
    ) -> None:
        """Put an amount into the ticks that it happened in, as if evenly."""
        length = end - begin
        tick = len(ticks)
        upper = end
        while True:
            lower = max(begin, ticks[tick - 1]) if tick > 0 else begin
            if upper > lower:
                piece = (upper - lower) / length
                for tally in self._tallies(tick, name):
                    counted: Counted = getattr(tally, what)
                    counted.add(amount * piece, (upper - lower) * part, variance * piece)
                upper = lower
            if tick == 0 or lower <= begin:
                return
            tick -= 1

    def _tallies(self, tick: int, name: str) -> tuple[Tally, ...]:
        """The sums that something of this tick belongs to: its own, the window's, the whole watch's."""
        ever = self.ever.setdefault(name, Tally())
        own = self._tick(tick)
        if own is None:
            return (ever,)
        return (own.setdefault(name, Tally()), self.window.setdefault(name, Tally()), ever)

    def _tick(self, tick: int) -> dict[str, Tally] | None:
        ticks = self._ticks
        if not ticks or ticks[-1][0] < tick:
            ticks.append((tick, {}))
            return ticks[-1][1]
        for number, tallies in reversed(ticks):
            if number == tick:
                return tallies
            if number < tick:
                break
        for place, (number, _) in enumerate(ticks):
            if number > tick:
                # Before the oldest kept: expired, or the session did nothing then.
                made: dict[str, Tally] = {}
                ticks.insert(place, (tick, made))
                return made
        return None
