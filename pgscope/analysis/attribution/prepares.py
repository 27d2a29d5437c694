"""Who prepares each call by itself, as lib/pq and tokio-postgres do: each call is then two transactions.

That can be told where every group's transactions were counted, and each works in autocommit: with the right
ones divided, transactions are as many as there were calls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from operator import truediv
from typing import NamedTuple, TypeVar

Key = TypeVar("Key")

_CLOSED = 0.03
"""Part of the calls by which the transactions counted may differ from them, where each is one."""
_SURE = 1.5
"""Standard deviations of the transactions counted that they may differ by, too."""
_MOST_GROUPS = 8
"""Groups whose ways to work are tried out."""


class Counted(NamedTuple):
    """Of a group: transactions, their variance, and calls of statements that are its own."""

    transactions: float
    variance: float
    own: float


def ways(groups: Mapping[Key, Counted], calls: float, unseen: float) -> tuple[dict[Key, int], float]:
    """Transactions for each call by group, where that is more than one for some and only one way fits.

    `calls` are all that these groups ran, `unseen` such as nobody was seen for, which may be theirs too. The
    second, where several ways fit or none, is the part of all transactions that no call accounts for: whose
    they are nobody can tell.
    """
    counted = [group.transactions for group in groups.values()]
    whole = sum(counted)
    error = max(_CLOSED * calls, _SURE * math.sqrt(sum(group.variance for group in groups.values())))
    if whole <= calls + unseen + error:
        return {}, 0.0
    fitting = []
    if len(groups) <= _MOST_GROUPS:
        for ways in product((1, 2), repeat=len(groups)):
            each = list(map(truediv, counted, ways))
            enough = all(
                of_group >= group.own - error for of_group, group in zip(each, groups.values(), strict=True)
            )
            if enough and calls - error <= sum(each) <= calls + unseen + error:
                fitting.append(ways)
    if len(fitting) == 1:
        return dict(zip(groups, fitting[0], strict=True)), 0.0
    return {}, 1.0 - calls / whole
