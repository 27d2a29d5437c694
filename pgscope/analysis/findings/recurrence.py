"""How often the same happens again: one forgotten transaction is a slip, the fifth a habit of the program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from pgscope.analysis.findings.model import Evidence, Finding
from pgscope.text import ordinal

_Who: TypeAlias = "tuple[str, int, int, tuple[str, ...]]"
_MOST = 2000
"""Who is kept; application names can be a new one for each session."""


@dataclass(frozen=True)
class Time:
    """Which time it is for this application, database and role, and when the first was (epoch seconds)."""

    number: int
    first: float


class Recurrence:
    """Counts findings of sessions, whichever session it is."""

    def __init__(self) -> None:
        self._times: dict[_Who, Time] = {}

    def begins(self, finding: Finding, at: float) -> Time:
        """Note that one begins."""
        who = (finding.kind, finding.datid, finding.usesysid, finding.application_names)
        before = self._times.pop(who, None)
        now = Time(before.number + 1, before.first) if before is not None else Time(1, at)
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
