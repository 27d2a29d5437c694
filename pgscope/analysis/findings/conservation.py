"""What a fit of child calls to parent rows proves: the thresholds that held in experiments."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.findings.exact import Exact, exact
from pgscope.analysis.findings.regression import Fit, fit, sliding
from pgscope.analysis.findings.relation import Relationship
from pgscope.dataclass import dataclass

EXACT = 4
"""Fewest stretches in which rows and calls are equal, where a foreign key ties child to parent."""
EXACT_BITS = 12.0
EXACT_ALONE = 6
EXACT_BITS_ALONE = 18.0
EXACT_SIZES = 3
EXACT_PART = 0.5
"""Of the parent's windows that the stretches must cover."""
WINDOWS = 9
"""Fewest windows for a regression where a foreign key ties child to parent."""
WINDOWS_ALONE = 10
"""Fewest where row conservation stands alone."""
ACTIVE = 4
"""Fewest windows in which the parent was called."""
CORRELATION = 0.9
SLOPE_ERROR = 0.15
RATIO_ERROR = 0.03
PARTIAL = 0.65
STRENGTH = 5.0
STRENGTH_ALONE = 6.0
SAME_SIZE = 0.05
"""A parent whose rows at fixed calls spread less than this has pages of one size."""
MOST_PER_ROW = 4
CERTAIN = 6.0
"""A t value that makes up for a correlation lessened by direct use of the child."""
EARLY_CORRELATION = 0.75
EARLY_STRENGTH = 3.5
WEAK_STRENGTH = 2.0
"""A t value from which on runs after the parent, seen by a probe, make up for the rest."""
EARLY_RATIO = 0.1
WIDTHS = (1, 2, 3)
"""Windows put together, where pages take so long that their calls fall into the next window."""
FEWEST_WIDE = 6
"""Independent windows needed of the wider ones."""


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
    """Whether calls were surely seen to follow rows when the number of parent calls is held fixed."""

    needs_run: bool = False
    """Whether it is too weak to be shown unless a probe sees runs of the child after the parent."""
    exact: Exact | None = None
    """How often rows and calls met exactly, where that decided."""

    @property
    def score(self) -> float:
        """To choose among parents of one child."""
        base = {"rows": 2.0, "constant": 1.0, "cached": 0.0}[self.kind] - 2.0 * self.needs_run
        sure = 1.0 if self.exact is not None else self.fit.correlation
        return base + sure + (1.0 if self.per_row == 1 else 0.0)


def judge(
    rows: Sequence[float],
    parent_calls: Sequence[float],
    child_calls: Sequence[float],
    relationship: Relationship | None,
    *,
    begins: bool = False,
) -> Verdict | None:
    """The verdict on one pair over windows of about a second, or None.

    `begins` says that child or parent began to work in the first window: a regression leaves it out, since
    all that started together shares that step, and it proves nothing.
    Tried with wider windows too, where slow pages straddle the narrow ones.
    """
    if len(rows) < EXACT or not any(rows):
        return None
    met = _exact(rows, parent_calls, child_calls, relationship)
    if met is not None:
        return met
    if begins:
        rows, parent_calls, child_calls = rows[1:], parent_calls[1:], child_calls[1:]
    if len(rows) < WINDOWS or not any(rows):
        return None
    narrow: Verdict | None = None
    for width in WIDTHS:
        if width == 1:
            f = fit(rows, parent_calls, child_calls)
        elif relationship is None or len(rows) < width * FEWEST_WIDE:
            break
        else:
            f = fit(sliding(rows, width), sliding(parent_calls, width), sliding(child_calls, width), width)
        if f.active < ACTIVE or f.rows_per_call < 2 or f.calls_per_parent < 2:
            break
        verdict = _judge(f, relationship)
        if verdict is not None and verdict.strong and verdict.kind == "rows":
            return verdict
        narrow = narrow or verdict
    return narrow


def _exact(
    rows: Sequence[float],
    parent_calls: Sequence[float],
    child_calls: Sequence[float],
    relationship: Relationship | None,
) -> Verdict | None:
    """The verdict where rows and calls meet exactly, with pages of several sizes."""
    all_rows, pages, calls = sum(rows), sum(parent_calls), sum(child_calls)
    per_row = round(calls / all_rows)
    if not 1 <= per_row <= MOST_PER_ROW or all_rows < 2 * pages or calls < 2 * pages:
        return None
    met = exact(rows, parent_calls, child_calls, per_row)
    stretches, bits = (EXACT, EXACT_BITS) if relationship is not None else (EXACT_ALONE, EXACT_BITS_ALONE)
    if met.stretches < EXACT or met.sizes < EXACT_SIZES or met.bits < EXACT_BITS:
        return None
    weak = met.stretches < stretches or met.bits < bits
    active = sum(1 for number in parent_calls if number > 0)
    if met.windows < EXACT_PART * active:
        return None
    return Verdict("rows", per_row, fit(rows, parent_calls, child_calls), True, weak, met)


def _judge(f: Fit, relationship: Relationship | None) -> Verdict | None:
    follows = f.partial >= PARTIAL and f.strength >= STRENGTH
    per_row = _per_row(f, RATIO_ERROR)
    if per_row and follows and (f.correlation >= CORRELATION or f.strength >= CERTAIN):
        if relationship is not None:
            return Verdict("rows", per_row, f, True)
        clear = f.correlation >= CORRELATION and f.strength >= STRENGTH_ALONE and per_row <= 2
        return Verdict("rows", per_row, f, True) if clear and f.windows >= WINDOWS_ALONE else None
    if relationship is None or relationship.kind == "reload":
        return None
    if per_row and not follows and f.spread < SAME_SIZE and f.windows >= WINDOWS - 1:
        varies = f.call_correlation >= CORRELATION and f.correlation >= CORRELATION
        edge = f.rows_per_call / max(f.ratio * f.rows_per_call * f.windows, 1.0)
        if varies or abs(f.ratio / per_row - 1) <= RATIO_ERROR + min(edge, RATIO_ERROR):
            return Verdict("constant", per_row, f, False)
    early = _per_row(f, EARLY_RATIO)
    if early in (1, 2) and f.correlation >= EARLY_CORRELATION and f.strength >= WEAK_STRENGTH:
        return Verdict("rows", early, f, False, f.strength < EARLY_STRENGTH)
    return _cached(f, relationship, follows)


def _per_row(f: Fit, ratio_error: float) -> int:
    """The small whole number of look-ups a row that the slope or else the ratio is near to, or 0."""
    for value, error in ((f.slope, SLOPE_ERROR), (f.ratio, ratio_error)):
        whole = round(value)
        if 1 <= whole <= MOST_PER_ROW and abs(value / whole - 1) <= error:
            return whole
    return 0


def _cached(f: Fit, relationship: Relationship, follows: bool) -> Verdict | None:
    """Fewer calls than rows, each owner asked for once a page: a reference behind an identity map."""
    if relationship.kind != "reference" or f.ratio >= 1 - RATIO_ERROR or f.windows < WINDOWS - 1:
        return None
    if f.calls_per_parent < 3:
        return None
    if follows and f.correlation >= PARTIAL:
        return Verdict("cached", 0, f, True)
    if max(f.call_correlation, f.correlation) >= CORRELATION:
        return Verdict("cached", 0, f, False, True)
    return None
