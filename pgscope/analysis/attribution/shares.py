"""What an attribution says: who ran how much of a statement, how surely, and on what that rests."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from pgscope.analysis.counters import NOTHING, Counts
from pgscope.dataclass import dataclass
from pgscope.sample import StatementKey

Certainty: TypeAlias = Literal["exact", "measured", "sampled", "unattributed"]


@dataclass(frozen=True, slots=True)
class Share:
    """One application's part of a statement's calls; the shares of a statement sum to one.

    `low` and `high` bound the true share with 95% confidence.
    """

    application_name: str | None
    """None is what cannot be attributed to any application."""
    share: float
    low: float
    high: float
    observations: int
    """Distinct executions of the statement that were seen in this application's sessions."""
    attribution: Certainty
    basis: tuple[str, ...] = ()
    """What it rests on, a line each, for the reader."""


@dataclass(frozen=True)
class ApplicationStatement:
    """A statement's part that an application ran, over the time asked about."""

    key: StatementKey
    counts: Counts
    share: Share


@dataclass(frozen=True)
class ApplicationStatements:
    """What an application ran, or (application_name None) what no application could be found for.

    The totals of all of them together are the server's.
    """

    application_name: str | None
    statements: tuple[ApplicationStatement, ...]
    exact: Counts = NOTHING
    """The part known to be this application's."""
    measured: Counts = NOTHING
    """The part split off by odometers."""
    sampled: Counts = NOTHING
    """The part estimated from sightings alone."""

    @property
    def total(self) -> Counts:
        """All of it, of whatever certainty."""
        if self.application_name is None:
            return _sum(self.statements)
        return self.exact.plus(self.measured).plus(self.sampled)


def unattributed(reason: str, share: float = 1.0) -> Share:
    """The part of a statement that no application was seen for."""
    return Share(None, share, 0.0 if share < 1.0 else 1.0, share, 0, "unattributed", (reason,))


def normalised(shares: list[Share]) -> tuple[Share, ...]:
    """Scaled so that they sum to one exactly as far as floats can; largest first, unattributed last."""
    total = sum(share.share for share in shares)
    if total <= 0:
        return ()
    scaled = []
    for one in shares:
        part = min(one.share / total, 1.0)
        scaled.append(replace(one, share=part, low=min(one.low, part), high=max(one.high, part)))
    scaled.sort(key=lambda one: (one.application_name is None, -one.share, one.application_name or ""))
    return tuple(scaled)


def _sum(statements: tuple[ApplicationStatement, ...]) -> Counts:
    result = NOTHING
    for one in statements:
        result = result.plus(one.counts)
    return result
