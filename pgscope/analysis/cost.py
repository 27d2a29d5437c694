"""What pgscope costs the server while it runs steadily, from the reports of the last minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import replace

from pgscope.sample import OwnCost

STARTING_S = 10.0
"""Seconds after connecting, in which everything is read for the first time and statements are planned: what
that costs, and what is put off for it, says nothing about the hours that follow."""
FINDING_OUT_S = 60.0
"""Seconds after connecting, in which most is read that is read once: texts, schemas, probes. It is in the
figure, but no news: only what comes later is said to be too much."""
TOLD_OVER_S = 30.0
"""Seconds of reports that it takes to say so: one report may have a dear moment."""
SPAN_S = 60.0
_TOLERANCE = 1.05


class CostFold:
    """A fold over the reports of one connection; `connected` is when it was made (monotonic seconds)."""

    def __init__(self, connected: float = float("-inf")) -> None:
        self._connected = connected
        self._recent: deque[OwnCost] = deque()

    def feed(self, cost: OwnCost) -> OwnCost:
        """The mean over up to a minute; of no seconds (not known) while it starts, and nothing is said."""
        if cost.mono - cost.seconds - self._connected < STARTING_S:
            return replace(cost, seconds=0.0, server_ms=0.0, statements=0, throttled="")
        self._recent.append(cost)
        while sum(one.seconds for one in self._recent) - self._recent[0].seconds >= SPAN_S:
            self._recent.popleft()
        if cost.throttled:
            return _mean(cost, self._recent)
        later = [one for one in self._recent if one.mono - one.seconds - self._connected >= FINDING_OUT_S]
        told = _over(_mean(cost, later)) if sum(one.seconds for one in later) >= TOLD_OVER_S else ""
        return replace(_mean(cost, self._recent), throttled=told)


def _mean(last: OwnCost, reports: Collection[OwnCost]) -> OwnCost:
    """The last report, with what all of them told."""
    return replace(
        last,
        seconds=sum(one.seconds for one in reports),
        server_ms=sum(one.server_ms for one in reports),
        statements=sum(one.statements for one in reports),
    )


def _over(mean: OwnCost) -> str:
    """Says that more than the budget was spent, though polls and looks keep to it; '' if it was not."""
    if not mean.budget or mean.share is None or mean.share <= mean.budget * _TOLERANCE:
        return ""
    return (
        f"pgscope took {mean.share * 100.0:.1f}% of a core of the server in the last {mean.seconds:.0f} s, "
        f"more than the budget of {mean.budget * 100.0:g}%: polls and looks slow down if it is theirs, "
        "texts and schemas are read once"
    )
