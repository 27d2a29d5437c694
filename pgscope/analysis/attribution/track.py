"""One session followed over time: what it was seen running, and what its odometers counted, tick by tick."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from pgscope.analysis.attribution.tally import Counted, Tally, age_bucket
from pgscope.dataclass import dataclass
from pgscope.sample import Sighting

Odometer: TypeAlias = Literal["transactions", "buffers"]
Habit: TypeAlias = Literal["autocommit", "transactions", "mixed", "unknown"]

_RARELY = 0.03
_PIPELINED = 0.001
"""Seconds from the start of a transaction to that of its present statement which a single statement in
autocommit (parse, bind, execute) hardly needs."""


class _Reading(NamedTuple):
    mono: float
    value: int
    application_name: str


@dataclass(slots=True)
class _Span:
    """What an odometer counted between two readings, as far as the window still reaches back to it."""

    name: str
    begin: float
    end: float
    counted: Counted


class Track:
    """A session, from when it was first seen. Its sums are kept by application, for pools rename sessions."""

    __slots__ = (
        "_active",
        "_buffers",
        "_in_autocommit",
        "_in_transaction",
        "_names_since_buffers",
        "_pipelined",
        "_polls",
        "_query_start",
        "_renamed",
        "_seen",
        "_sighting",
        "_sightings",
        "_spans",
        "_transactions",
        "application_name",
        "backend_start",
        "ever",
        "first_mono",
        "last_mono",
        "led_mono",
        "partition",
        "pid",
        "window",
    )

    def __init__(self, sighting: Sighting, mono: float, polls: int = 0) -> None:
        """`polls` that there were so far."""
        self.pid = sighting.pid
        self.backend_start = sighting.backend_start
        self.partition = (sighting.usesysid, sighting.datid)
        self.application_name = sighting.application_name
        self.first_mono = mono
        self.last_mono = mono
        self.led_mono = float("-inf")
        """When it was last seen with parallel workers: they visit buffers for it that its odometer lacks."""
        self._renamed = 0
        self._sightings = 0
        self.window: dict[str, Tally] = {}
        self.ever: dict[str, Tally] = {}
        self._seen: list[tuple[int, str, int, int]] | None = None
        """Executions in the window: tick, name, query_id, and bucket of its age; None if there are none.

        No deque: one takes 760 bytes, and of thousands of sessions each does little.
        """
        self._spans: dict[Odometer, list[_Span]] = {}
        self._query_start: float | None = None
        self._sighting = sighting
        self._polls = polls
        self._transactions: _Reading | None = None
        self._buffers: _Reading | None = None
        self._in_autocommit = 0
        self._in_transaction = 0
        self._active = 0
        self._pipelined = 0
        self._names_since_buffers: set[str] | None = None
        """None if it is the present one alone."""

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
            if self._names_since_buffers is None:
                self._names_since_buffers = {self.application_name}
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
        name, query_id = sighting.application_name, sighting.query_id
        if self._seen is None:
            self._seen = []
        self._seen.append((tick, name, query_id, bucket))
        for sums in (self.window, self.ever):
            _tally(sums, name).see(query_id, bucket)

    def settle(self, polls: int, mono: float, ends: frozenset[int]) -> None:
        """Count the polls that showed it just as it was seen last: `polls` so far, the last at `mono`."""
        times, self._polls = polls - self._polls, polls
        if times > 0:
            self.last_mono = max(mono, self.last_mono)
            self._sightings += times
            self._learn_habit(self._sighting, ends, times)

    def skip(self, polls: int) -> None:
        """So many polls there were; those not counted yet did not show it as it was seen last."""
        self._polls = polls

    def _learn_habit(self, sighting: Sighting, ends: frozenset[int], times: int = 1) -> None:
        state = sighting.state
        if state.startswith("idle in transaction"):
            self._in_transaction += times
        elif state == "idle" and sighting.query_id is not None:
            if sighting.query_id in ends:
                self._in_transaction += times
            else:
                self._in_autocommit += times
        elif state == "active" and sighting.xact_start is not None and sighting.query_start is not None:
            self._active += times
            if sighting.query_start - sighting.xact_start > _PIPELINED:
                self._pipelined += times

    def count_transactions(self, value: int, mono: float) -> None:
        """Take in the transactions odometer."""
        before = self._transactions
        self._transactions = now = _Reading(mono, value, self.application_name)
        if before is None or value < before.value or mono <= before.mono:
            return
        amount = float(value - before.value)
        if before.application_name == now.application_name:
            self._add("transactions", now.application_name, before.mono, mono, amount, 0.0, 1.0)
            return
        # Who did it, if the name changed in between, is as good as unknown.
        for name in (before.application_name, now.application_name):
            self._add("transactions", name, before.mono, mono, amount / 2, amount**2 / 8, 0.5)

    def count_buffers(self, value: int, mono: float) -> None:
        """Take in the buffers odometer, which moves about once a second."""
        before = self._buffers
        if before is not None and value == before.value:
            return
        self._buffers = _Reading(mono, value, self.application_name)
        names = sorted(self._names_since_buffers or {self.application_name})
        self._names_since_buffers = None
        if before is None or value < before.value or mono <= before.mono:
            return
        amount = float(value - before.value) / len(names)
        variance = 0.0 if len(names) == 1 else amount**2
        for name in names:
            self._add("buffers", name, before.mono, mono, amount, variance, 1.0 / len(names))

    def expire(self, oldest: int, since: float) -> None:
        """Forget, in the window's sums, what came before this tick, which began at `since` (mono)."""
        seen, gone = self._seen or [], 0
        for tick, name, query_id, bucket in seen:
            if tick >= oldest:
                break
            self.window[name].unsee(query_id, bucket)
            gone += 1
        if gone:
            del seen[:gone]
        if not seen:
            self._seen = None
        for what, spans in self._spans.items():
            over = 0
            for span in spans:
                if span.begin >= since:
                    break
                self._cut(what, span, since)
                over += span.begin >= span.end
            if over:
                del spans[:over]
        if not seen and not any(self._spans.values()):
            self._spans.clear()
            self.window.clear()

    def _add(
        self, what: Odometer, name: str, begin: float, end: float, amount: float, variance: float, part: float
    ) -> None:
        """Count an amount, as if it came evenly, for this part of the session's time."""
        counted = Counted(amount, (end - begin) * part, variance)
        spans = self._spans.get(what)
        if spans is None:
            spans = self._spans[what] = []
        spans.append(_Span(name, begin, end, counted))
        for sums in (self.window, self.ever):
            _counted(_tally(sums, name), what).add(counted)

    def _cut(self, what: Odometer, span: _Span, since: float) -> None:
        """Take away what came before `since`."""
        begin = min(since, span.end)
        part = (begin - span.begin) / (span.end - span.begin)
        _counted(self.window[span.name], what).add(span.counted, -part)
        span.counted.add(span.counted, -part)
        span.begin = begin


def _tally(sums: dict[str, Tally], name: str) -> Tally:
    found = sums.get(name)
    if found is None:
        found = sums[name] = Tally()
    return found


def _counted(tally: Tally, what: Odometer) -> Counted:
    return tally.transactions if what == "transactions" else tally.buffers
