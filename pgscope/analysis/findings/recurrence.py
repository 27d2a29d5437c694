"""How often the same happens again: one forgotten transaction is a slip, the fifth a habit of the program."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from pgscope.analysis.findings.model import Evidence, Finding
from pgscope.dataclass import dataclass
from pgscope.text import ordinal

_Who: TypeAlias = "tuple[str, int, int, tuple[str, ...]]"
_Transaction: TypeAlias = "tuple[tuple[int, ...], float]"
"""Whose (pids), and since when it is open (epoch seconds)."""
_SAME = 0.5
"""Seconds: the time since when is worked out from how long it is open."""
_TRANSACTIONS = 20
_MOST = 2000
"""Who is kept; application names can be a new one for each session."""


@dataclass(frozen=True)
class Time:
    """Which time it is for this application, database and role, and when the first was (epoch seconds)."""

    number: int
    first: float
    transactions: tuple[_Transaction, ...] = ()
    """Those counted last."""


class Recurrence:
    """Counts findings of sessions, whichever session it is."""

    def __init__(self) -> None:
        self._times: dict[_Who, Time] = {}

    def begins(self, finding: Finding, at: float) -> Time:
        """Note that one begins; another pause in a transaction that was counted is the same time."""
        who = (finding.kind, finding.datid, finding.usesysid, finding.application_names)
        transaction = (finding.pids, at - finding.cost.held_s)
        before = self._times.pop(who, Time(0, at))
        known = any(
            pids == finding.pids and abs(since - transaction[1]) < _SAME
            for pids, since in before.transactions
        )
        now = before
        if not known:
            latest = (*before.transactions, transaction)[-_TRANSACTIONS:]
            now = Time(before.number + 1, before.first, latest)
        self._times[who] = now
        if len(self._times) > _MOST:
            del self._times[next(iter(self._times))]
        return now


def told(finding: Finding, time: Time, at: float) -> Finding:
    """The finding with which time it is, from the second on, in its summary and its evidence."""
    if time.number < 2:
        return finding
    nth = f"{ordinal(time.number)} time"
    text = f"the {nth} in {at - time.first:,.0f} s that a session of this application and role does so"
    again = Evidence("again", text, {"times": time.number, "seconds": round(at - time.first, 1)})
    return replace(finding, summary=f"{nth}: {finding.summary}", evidence=(*finding.evidence, again))
