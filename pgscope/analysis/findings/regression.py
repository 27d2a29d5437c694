"""Row conservation (E1): do a child's calls grow with its parent's rows, and not just with its load?

Load alone makes everything in one program rise and fall together, so the plain correlation is not enough:
the partial one, with the parent's *calls* held fixed, tells "one call for each row" from "some calls for each
request". A parent whose pages are all of one size leaves nothing to tell them apart by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Fit:
    """Child calls y against parent rows x and parent calls n, window by window."""

    windows: int
    """How many independent ones there were."""
    active: int
    """Windows in which the parent was called."""
    rows_per_call: float
    calls_per_parent: float
    """Child calls for each call of the parent."""
    ratio: float
    """Child calls for each row, over all windows."""
    correlation: float
    slope: float
    intercept: float
    """Child calls a window that the parent does not explain: their own, direct use."""
    call_correlation: float
    """Of child calls with parent calls."""
    partial: float
    """Correlation of child calls with parent rows when parent calls are held fixed."""
    strength: float
    """The t value of `partial`."""
    spread: float
    """Standard deviation of rows at fixed calls, relative to the mean rows: 0 for pages of one size."""


def centred(values: Sequence[float]) -> list[float]:
    """The values less their mean."""
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """The inner product."""
    return float(sum(map(mul, a, b)))


def correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Of two centred series; 0 where one does not vary."""
    square = dot(a, a) * dot(b, b)
    return dot(a, b) / math.sqrt(square) if square > 0 else 0.0


def fit(x: Sequence[float], n: Sequence[float], y: Sequence[float], width: int = 1) -> Fit:
    """The fit over windows; the three series are of one length, at least 3, and x and n not all zero.

    With `width` each value is a sliding sum over so many windows: they overlap, so they count for fewer.
    """
    windows = len(x)
    sum_x, sum_n, sum_y = sum(x), sum(n), sum(y)
    cx, cn, cy = centred(x), centred(n), centred(y)
    xx, nn = dot(cx, cx), dot(cn, cn)
    slope = dot(cx, cy) / xx if xx > 0 else 0.0
    if nn > 0:
        on_calls = dot(cx, cn) / nn
        rest_x = [a - on_calls * b for a, b in zip(cx, cn, strict=True)]
        on_calls = dot(cy, cn) / nn
        rest_y = [a - on_calls * b for a, b in zip(cy, cn, strict=True)]
    else:
        rest_x, rest_y = cx, cy
    # What is left by rounding alone must not correlate.
    left_x, left_y = dot(rest_x, rest_x), dot(rest_y, rest_y)
    tiny = 1e-9
    same_size = left_x <= tiny * (1 + sum_x * sum_x)
    steady = left_y <= tiny * (1 + sum_y * sum_y)
    partial = 0.0 if same_size or steady else correlation(rest_x, rest_y)
    apart = windows if width == 1 else (windows + width - 1) // width
    freedom = apart - 3
    return Fit(
        apart,
        sum(1 for calls in n if calls > 0),
        sum_x / sum_n if sum_n else 0.0,
        sum_y / sum_n if sum_n else 0.0,
        sum_y / sum_x if sum_x else 0.0,
        correlation(cx, cy),
        slope,
        (sum_y - slope * sum_x) / windows,
        correlation(cn, cy),
        partial,
        partial * math.sqrt(freedom / max(1 - partial * partial, 1e-6)) if freedom > 0 else 0.0,
        math.sqrt(left_x / windows) / (sum_x / windows) if sum_x and not same_size else 0.0,
    )


def sliding(values: Sequence[float], width: int) -> list[float]:
    """Sums over each `width` neighbouring windows."""
    total = sum(values[:width])
    sums = [total]
    for leaving, coming in zip(values, values[width:], strict=False):
        total += coming - leaving
        sums.append(total)
    return sums
