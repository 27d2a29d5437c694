"""Sums of what was seen of sessions: how often which statement, and what their odometers counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

YOUNG = 0.0001
"""Seconds: an execution younger than this when looked at counts as just begun. The density of ages near zero
is the rate of calls, whatever the length of the statement and of the pause after it."""


class Seen(NamedTuple):
    """How often a statement was seen in some sessions."""

    executions: int = 0
    """Distinct ones."""
    young: int = 0
    """Of these, those that had only just begun."""

    def plus(self, other: Seen) -> Seen:
        """Both together."""
        return Seen(self.executions + other.executions, self.young + other.young)


@dataclass
class Counted:
    """What an odometer said: an amount, over how many seconds, and the variance of the amount."""

    amount: float = 0.0
    seconds: float = 0.0
    variance: float = 0.0

    def add(self, amount: float, seconds: float, variance: float = 0.0, sign: int = 1) -> None:
        """Add (or with sign -1 take away) some."""
        self.amount += sign * amount
        self.seconds += sign * seconds
        self.variance += sign * variance

    def merge(self, other: Counted, sign: int = 1) -> None:
        """Add (or take away) another."""
        self.add(other.amount, other.seconds, other.variance, sign)


@dataclass
class Tally:
    """Sums over some time for sessions of one application: statements seen, and odometers."""

    seen: dict[int, Seen] = field(default_factory=dict)
    transactions: Counted = field(default_factory=Counted)
    buffers: Counted = field(default_factory=Counted)

    def merge(self, other: Tally) -> None:
        """Add another's sums."""
        for query_id, seen in other.seen.items():
            mine = self.seen.get(query_id)
            self.seen[query_id] = seen if mine is None else mine.plus(seen)
        self.transactions.merge(other.transactions)
        self.buffers.merge(other.buffers)

    def unmerge(self, other: Tally) -> None:
        """Take sums away that were added before."""
        for query_id, seen in other.seen.items():
            mine = self.seen[query_id]
            left = Seen(mine.executions - seen.executions, mine.young - seen.young)
            if left.executions <= 0:
                del self.seen[query_id]
            else:
                self.seen[query_id] = left
        self.transactions.merge(other.transactions, -1)
        self.buffers.merge(other.buffers, -1)
