"""Sums of what was seen of sessions: how often which statement, and what their odometers counted."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import field

from pgscope.dataclass import dataclass

_BUCKETS = 26
_FIRST = 0.00005
"""Seconds: upper end of the youngest bucket of ages."""
_RATIO = 1.4

AGES: tuple[float, ...] = tuple(_FIRST * _RATIO**number for number in range(_BUCKETS))
"""Upper ends of the buckets of ages in seconds; older executions are all in one more."""

_READ_LATE = 0.00005
"""Seconds from a look's reading of the clock to its reading of a session, about."""


def age_bucket(age: float) -> int:
    """The bucket of an execution that began `age` seconds before the look's clock (or after it)."""
    return bisect_left(AGES, age + _READ_LATE)


class Seen:
    """How often a statement was seen in some sessions, by the age of the execution when seen.

    The density of ages near zero is the rate of calls, whatever the length of the statement or of the pause
    after it; the number seen is not, for a short statement before a pause is seen for as long as that lasts.
    """

    __slots__ = ("ages", "executions")

    def __init__(self) -> None:
        self.executions = 0
        self.ages: dict[int, int] = {}

    def add(self, bucket: int) -> None:
        """One more execution."""
        self.executions += 1
        self.ages[bucket] = self.ages.get(bucket, 0) + 1

    def remove(self, bucket: int) -> None:
        """One execution less."""
        self.executions -= 1
        self.ages[bucket] -= 1

    def merge(self, other: Seen) -> None:
        """Add another's."""
        self.executions += other.executions
        for bucket, count in other.ages.items():
            self.ages[bucket] = self.ages.get(bucket, 0) + count

    def rate(self, lasting: float = 0.0) -> tuple[float, float]:
        """Calls a second, times the number of looks, and the standard deviation of the logarithm of that.

        From the youngest executions: about the square root of their number at least, so that they are younger
        than the shortest pauses even where most are of the last statement before a long one; and from older
        ones as long as these do not contradict the younger. A single one tells by its own age: a brief
        connection is seen once at most. Where a statement takes longer by itself (`lasting`, mean seconds),
        nothing can have followed it, and all younger ones count.
        """
        wanted = max(min(math.isqrt(self.executions) + 1, self.executions), 1)
        safe = bisect_left(AGES, 0.6 * lasting + _READ_LATE) - 1
        count, chosen, rate, young = 0, 0, 0.0, 0.5
        lowest, highest = -math.inf, math.inf
        for bucket in range(_BUCKETS):
            count += self.ages.get(bucket, 0)
            if bucket < _BUCKETS - 1 and (count < wanted or bucket < safe):
                continue
            few = max(count - 0.5, 0.5)
            logarithm = math.log(few / AGES[bucket])
            if not lowest <= logarithm <= highest:
                break
            chosen, rate, young = bucket, few / AGES[bucket], few
            doubt = 1.0 / math.sqrt(max(count, 1))
            lowest, highest = max(lowest, logarithm - doubt), min(highest, logarithm + doubt)
        bias = 0.25 if chosen <= safe else 0.55
        return rate, math.sqrt(bias**2 + 1.0 / young)


@dataclass(slots=True)
class Counted:
    """What an odometer said: an amount, over how many seconds, and the variance of the amount."""

    amount: float = 0.0
    seconds: float = 0.0
    variance: float = 0.0

    def add(self, other: Counted, part: float = 1.0) -> None:
        """Add this part of another, or take it away (below 0)."""
        self.amount += part * other.amount
        self.seconds += part * other.seconds
        self.variance += part * other.variance


@dataclass(slots=True)
class Tally:
    """Sums over some time for sessions of one application: statements seen, and odometers."""

    seen: dict[int, Seen] = field(default_factory=dict)
    transactions: Counted = field(default_factory=Counted)
    buffers: Counted = field(default_factory=Counted)

    def see(self, query_id: int, bucket: int) -> None:
        """An execution was seen."""
        mine = self.seen.get(query_id)
        if mine is None:
            mine = self.seen[query_id] = Seen()
        mine.add(bucket)

    def unsee(self, query_id: int, bucket: int) -> None:
        """Take an execution away that was seen before."""
        mine = self.seen[query_id]
        mine.remove(bucket)
        if mine.executions <= 0:
            del self.seen[query_id]


def merge_seen(into: dict[int, Seen], other: dict[int, Seen]) -> None:
    """Add one's sightings to another's."""
    for query_id, seen in other.items():
        mine = into.get(query_id)
        if mine is None:
            mine = into[query_id] = Seen()
        mine.merge(seen)
