"""What a fit of child calls to parent rows proves: the thresholds that held in experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgscope.analysis.findings.regression import Fit, fit, folded
from pgscope.analysis.findings.relation import Relationship

WINDOWS = 6
"""Fewest windows for a verdict where a foreign key ties child to parent."""
WINDOWS_ALONE = 10
"""Fewest where row conservation stands alone."""
ACTIVE = 4
"""Fewest windows in which the parent was called."""
CORRELATION = 0.9
SLOPE_ERROR = 0.15
RATIO_ERROR = 0.03
PARTIAL = 0.6
STRENGTH = 4.0
STRENGTH_ALONE = 6.0
SAME_SIZE = 0.05
"""A parent whose rows at fixed calls spread less than this has pages of one size."""
MOST_PER_ROW = 4
WIDE = 3
"""Windows put together where pages take so long that their calls fall into the next window."""


@dataclass(frozen=True)
class Verdict:
    """Row conservation holds; `kind` says in which form."""

    kind: str
    """'rows' (calls follow rows), 'constant' (pages of one size, so only the ratio speaks) or 'cached' (a
    reference behind an identity map: fewer calls than rows)."""
    per_row: int
    """Look-ups for each row; 0 when cached."""
    fit: Fit
    strong: bool
    """Whether calls were seen to follow rows when the number of parent calls is held fixed."""

    @property
    def score(self) -> float:
        """To choose among parents of one child."""
        base = {"rows": 2.0, "constant": 1.0, "cached": 0.0}[self.kind]
        return base + self.fit.correlation + (1.0 if self.per_row == 1 else 0.0)


def judge(
    rows: Sequence[float],
    parent_calls: Sequence[float],
    child_calls: Sequence[float],
    relationship: Relationship | None,
) -> Verdict | None:
    """The verdict on one pair over windows of about a second, or None.

    Retried with wider windows, where slow pages straddle the narrow ones.
    """
    if len(rows) < WINDOWS or not any(rows):
        return None
    verdict = _judge(fit(rows, parent_calls, child_calls), relationship)
    if verdict is not None or relationship is None or len(rows) < WIDE * WINDOWS:
        return verdict
    wide = [folded(series, WIDE) for series in (rows, parent_calls, child_calls)]
    return _judge(fit(*wide), relationship)


def _judge(f: Fit, relationship: Relationship | None) -> Verdict | None:
    if f.windows < WINDOWS or f.active < ACTIVE or f.rows_per_call < 2 or f.calls_per_parent < 2:
        return None
    follows = f.partial >= PARTIAL and f.strength >= STRENGTH
    per_row = _per_row(f)
    if per_row and follows and f.correlation >= CORRELATION:
        if relationship is not None:
            return Verdict("rows", per_row, f, True)
        alone = f.windows >= WINDOWS_ALONE and f.strength >= STRENGTH_ALONE and per_row <= 2
        return Verdict("rows", per_row, f, True) if alone else None
    if relationship is None or relationship.kind == "reload":
        return None
    if per_row and not follows and f.spread < SAME_SIZE and f.windows >= WINDOWS + 2:
        varies = f.call_correlation >= CORRELATION and f.correlation >= CORRELATION
        edge = f.rows_per_call / max(f.ratio * f.rows_per_call * f.windows, 1.0)
        if varies or abs(f.ratio / per_row - 1) <= RATIO_ERROR + min(edge, RATIO_ERROR):
            return Verdict("constant", per_row, f, False)
    return _cached(f, relationship, follows)


def _per_row(f: Fit) -> int:
    """The small whole number of look-ups a row that the slope or else the ratio is near to, or 0."""
    for value, error in ((f.slope, SLOPE_ERROR), (f.ratio, RATIO_ERROR)):
        whole = round(value)
        if 1 <= whole <= MOST_PER_ROW and abs(value / whole - 1) <= error:
            return whole
    return 0


def _cached(f: Fit, relationship: Relationship, follows: bool) -> Verdict | None:
    """Fewer calls than rows, each owner asked for once a page: a reference behind an identity map."""
    if relationship.kind != "reference" or f.ratio >= 1 - RATIO_ERROR or f.windows < WINDOWS + 2:
        return None
    if f.calls_per_parent < 3:
        return None
    if follows and f.correlation >= PARTIAL:
        return Verdict("cached", 0, f, True)
    if max(f.call_correlation, f.correlation) >= CORRELATION:
        return Verdict("cached", 0, f, False)
    return None
