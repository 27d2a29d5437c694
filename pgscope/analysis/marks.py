"""Moments worth jumping to: a finding that was not there before, a wait for a lock that begins."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pgscope.analysis.findings import Finding
from pgscope.sample import Mark

_FORGET = 600.0
"""Seconds after which a finding that comes back is a moment again."""
_FORGET_WAITS = 10.0


class Marks:
    """A fold over what a watch shows after each poll."""

    def __init__(self) -> None:
        self._findings: dict[tuple[str, tuple[int, ...]], float] = {}
        self._last_wait = float("-inf")

    def feed(self, at: float, findings: Iterable[Finding], waits: Collection[int]) -> list[Mark]:
        """The moments of this poll; `waits` are the pids that wait."""
        found = []
        for finding in findings:
            name = (finding.fingerprint, finding.pids)
            if not finding.ended:
                if at - self._findings.get(name, float("-inf")) > _FORGET:
                    who = ", ".join(one or "(no name)" for one in finding.application_names)
                    label = " ".join(filter(None, (finding.grade, finding.kind, who)))
                    found.append(Mark(at, "finding", label))
                self._findings[name] = at
        if waits:
            if at - self._last_wait > _FORGET_WAITS:
                found.append(
                    Mark(at, "lock wait", f"{len(waits)} waiting" if len(waits) > 1 else "1 waiting")
                )
            self._last_wait = at
        self._findings = {name: last for name, last in self._findings.items() if at - last <= _FORGET}
        return found
