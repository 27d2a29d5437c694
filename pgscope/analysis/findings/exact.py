"""Exact conservation: child calls that add up to the parent's rows to the last one, again and again.

A page that straddles the end of a window moves calls into the next, which spoils a regression but not the
sum: what the running sums of rows and calls lack of each other comes back to the same value whenever no page
is half done. Two series that merely resemble each other meet like this now and then, not window after window.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from pgscope.dataclass import dataclass

NUMBER_SPREAD = 0.25
"""Of a sum of rows: how far a look-alike would scatter around it, at the least."""


LONGEST = 3
"""Windows that a stretch may take: a page straddles two. Longer ones meet by chance ..."""
FEW_PAGES = 2
"""... unless they hold so few pages: then the pages are slow, and each adds up by itself."""


@dataclass(frozen=True)
class Exact:
    """How often rows and calls met."""

    stretches: int
    """Stretches of windows in which calls were rows times `per_row`, exactly, each of other figures."""
    windows: int
    """Windows that those stretches cover."""
    sizes: int
    """Different page sizes among them; with one only, calls may as well be a fixed number for each page."""
    bits: float
    """How surprising this is if rows and calls had nothing to do with each other."""


def exact(
    rows: Sequence[float], parent_calls: Sequence[float], child_calls: Sequence[float], per_row: int
) -> Exact:
    """Where the running sums of rows times `per_row` and of calls meet again."""
    owed = 0
    course = [0]
    for row, call in zip(rows, child_calls, strict=True):
        owed += round(per_row * row - call)
        course.append(owed)
    settled = Counter(course).most_common(1)[0][0]
    places = [place for place, value in enumerate(course) if value == settled]
    seen: set[tuple[int, int]] = set()
    sizes: set[int] = set()
    bits, windows = 0.0, 0
    for begin, end in pairwise(places):
        returned = round(sum(rows[begin:end]))
        pages = round(sum(parent_calls[begin:end]))
        if not returned or not pages or (end - begin > LONGEST and pages > FEW_PAGES):
            continue
        windows += end - begin
        if (returned, pages) not in seen:
            seen.add((returned, pages))
            sizes.add(round(10 * returned / pages))
            # A longer stretch had more chances to meet.
            bits += max(math.log2(1 + NUMBER_SPREAD * returned) - math.log2(end - begin), 0.0)
    return Exact(len(seen), windows, len(sizes), bits)
