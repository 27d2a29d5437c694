"""The fold of who only notes when something happens: findings and waits, without the pictures of a watch."""

from __future__ import annotations

from pgscope.analysis.counters import Interval, StatementDeltas
from pgscope.analysis.findings import Finding, Findings, FindingSettings
from pgscope.analysis.roster import Roster
from pgscope.sample import Connected, Poll, Sample, Wanted

_SEARCH = 5.0
"""Seconds from one search for pairs of statements to the next."""
_PARSES = 20
"""Statements parsed at most in a window of a second or two: thousands at once would take 5 % of a core."""


class Finder:
    """Feed it samples in order; ask it after each poll.

    It works out no shares of applications: who runs a statement it takes from the sightings, a fifth of the
    work. What a finding comes to is told by who looks at the recording, from the whole of it.
    """

    def __init__(self, settings: FindingSettings) -> None:
        self._findings = Findings(settings, None, Roster())
        self._findings.search_s = _SEARCH
        self._findings.parse_at_most(_PARSES)
        self._deltas = StatementDeltas()
        self.interval: Interval | None = None
        """What the last read of the counters ended."""

    def feed(self, sample: Sample) -> None:
        """Take in one sample."""
        self._findings.feed(sample)
        if isinstance(sample, Connected):
            self._deltas.restart()
        elif isinstance(sample, Poll):
            interval = self._deltas.feed(sample)
            if interval is not None:
                self.interval = interval
                self._findings.observe(interval)

    def current(self, at: float) -> tuple[Finding, ...]:
        """What was found and lasts."""
        return self._findings.current(at)

    def wants(self) -> tuple[Wanted, ...]:
        """What should be read once."""
        return self._findings.wants()


def waiting(poll: Poll) -> set[int]:
    """Pids that wait for a lock."""
    asked = {one.pid for one in poll.blocking}
    return asked | {one.pid for one in poll.locks if not one.granted}
