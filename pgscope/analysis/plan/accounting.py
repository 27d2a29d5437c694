"""Exclusive amounts: what each node cost by itself, so that all of them sum to the root.

A node's own amount is its inclusive one less its children's. An InitPlan or a CTE is taken off the node that
evaluated it; a CTE read by several scans is shared out among them by what each has to give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgscope.analysis.plan import references
from pgscope.analysis.plan.amounts import NOTHING, Amounts
from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Accounts:
    """Exclusive amounts by node, and what no node explains."""

    exclusive: tuple[Amounts, ...]
    outside: Amounts
    unattributed: Amounts


def settle(
    raws: Sequence[Mapping[str, object]],
    parents: Sequence[int | None],
    ends: Sequence[int],
    inclusive: Sequence[Amounts],
    resolution: float,
) -> Accounts:
    """Take from each node what others did inside it. `resolution` is the error of times by rounding, ms."""
    own = list(inclusive)
    deferred = [
        index for index, raw in enumerate(raws) if parents[index] is not None and references.is_deferred(raw)
    ]
    skip = set(deferred)
    for index, parent in enumerate(parents):
        if parent is not None and index not in skip:
            own[parent] = own[parent].minus(inclusive[index])
    outside = NOTHING
    for top in deferred:
        left = _charge(top, raws, parents, ends, inclusive[top], own, resolution)
        outside = outside.plus(left)
    exclusive = tuple(amounts.floored() for amounts in own)
    total = NOTHING
    for amounts in exclusive:
        total = total.plus(amounts)
    if outside.time <= resolution:
        outside = outside._replace(time=0.0)
    return Accounts(exclusive, outside, inclusive[0].plus(outside).minus(total))


def _charge(
    top: int,
    raws: Sequence[Mapping[str, object]],
    parents: Sequence[int | None],
    ends: Sequence[int],
    amounts: Amounts,
    own: list[Amounts],
    resolution: float,
) -> Amounts:
    """Take an InitPlan's or CTE's amounts off whoever evaluated it; return what nobody had."""
    payers = references.evaluators(top, raws, parents, ends)
    if not references.cte_name(raws[top]):
        for payer in payers:
            if _covers(own[payer], amounts, resolution):
                own[payer] = own[payer].minus(amounts)
                return NOTHING
    left = []
    for position, wanted in enumerate(amounts):
        purses = [max(own[payer][position], 0.0) for payer in payers]
        shares = share_out(wanted, purses, whole=0 < position <= 10)
        for payer, share in zip(payers, shares, strict=True):
            values = list(own[payer])
            values[position] -= share
            own[payer] = Amounts(*values)
        left.append(max(wanted - sum(shares), 0.0))
    return Amounts(*left)


def _covers(purse: Amounts, wanted: Amounts, resolution: float) -> bool:
    return all(
        have + (resolution if position == 0 or position > 10 else 0.0) >= want
        for position, (have, want) in enumerate(zip(purse, wanted, strict=True))
    )


def share_out(wanted: float, purses: Sequence[float], *, whole: bool) -> list[float]:
    """Split an amount by what each can give, none giving more than it has; blocks stay whole numbers."""
    total = sum(purses)
    if total <= wanted:
        return list(purses)
    shares = [wanted * purse / total for purse in purses]
    if not whole:
        return shares
    rounded = [float(int(share)) for share in shares]
    rest = wanted - sum(rounded)
    by_fraction = sorted(range(len(shares)), key=lambda i: rounded[i] - shares[i])
    for index in by_fraction:
        step = min(1.0, rest, purses[index] - rounded[index])
        if step <= 0:
            continue
        rounded[index] += step
        rest -= step
    return rounded
