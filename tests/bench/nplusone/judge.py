"""Findings against labels: what was right, what was wrong, what was missed, and how fast it came."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pgscope.analysis.findings import Finding
from tests.bench.nplusone.labels import LABELS, Expected, Label

JUDGED = ("n_plus_one", "row_by_row_writes", "overfetch", "lookup_loop")
"""The kinds that accuse a program of a habit. The others are facts of the moment (slow, idle, unnamed)."""

_TABLE = re.compile(r'(?:from|into|update|join)\s+"?(\w+?)_(author|question|choice|vote)"?', re.IGNORECASE)


@dataclass
class Verdict:
    """One expected finding of one run: found or not."""

    label: Label
    expected: Expected
    finding: Finding | None
    seconds: float | None
    """From the workload's first page until it was first shown."""
    application: bool = False
    parent: bool = False


@dataclass
class Outcome:
    """A run, judged."""

    mode: str
    verdicts: list[Verdict] = field(default_factory=list)
    right: int = 0
    wrong: list[Finding] = field(default_factory=list)
    confirmed_right: int = 0
    confirmed_wrong: int = 0

    def add(self, other: Outcome) -> None:
        """Put another run's results to these."""
        self.verdicts += other.verdicts
        self.right += other.right
        self.wrong += other.wrong
        self.confirmed_right += other.confirmed_right
        self.confirmed_wrong += other.confirmed_wrong

    @property
    def recall(self) -> float:
        """Share of what was expected that was found within the time."""
        found = [one for one in self.verdicts if one.finding is not None]
        return len(found) / len(self.verdicts) if self.verdicts else 1.0

    @property
    def precision(self) -> float:
        """Share of right ones among all findings of the kinds judged."""
        total = self.right + len(self.wrong)
        return self.right / total if total else 1.0

    @property
    def precision_confirmed(self) -> float:
        """The same among those graded confirmed."""
        total = self.confirmed_right + self.confirmed_wrong
        return self.confirmed_right / total if total else 1.0

    @property
    def median(self) -> float:
        """Seconds to first show, of workloads with a page a second or more."""
        times = [one.seconds for one in self.verdicts if one.seconds is not None and one.label.rate >= 1]
        return statistics.median(times) if times else float("nan")

    @property
    def names_right(self) -> tuple[int, int]:
        """How many of those found have the right application, and the right parent."""
        found = [one for one in self.verdicts if one.finding is not None]
        return sum(one.application for one in found), sum(one.parent for one in found)


def judge(
    mode: str,
    labels: Sequence[Label],
    shown: Iterable[tuple[float, Finding]],
    started: dict[str, float],
    most_s: float,
) -> Outcome:
    """Judge what was shown for the workloads that ran."""
    outcome = Outcome(mode)
    left = [(at, finding) for at, finding in shown if finding.kind in JUDGED]
    for label in labels:
        for expected in label.expected:
            hits = [item for item in left if _is(item[1], label, expected)]
            verdict = Verdict(label, expected, None, None)
            if hits:
                at, finding = min(hits, key=lambda item: item[0])
                seconds = at - started[label.name]
                if seconds <= most_s:
                    verdict = Verdict(label, expected, finding, max(seconds, 0.0))
                    verdict.application = finding.application_names == (label.name,)
                    verdict.parent = not expected.parent or _reads(finding, label, expected)
            outcome.verdicts.append(verdict)
    for _, finding in left:
        right = any(_is(finding, label, one) for label in labels for one in label.expected)
        if right and finding.parent is not None and finding.kind == "n_plus_one":
            right = any(_reads(finding, label, one) for label in labels for one in label.expected)
        owner = LABELS.get(finding.application_names[0]) if finding.application_names else None
        if not right and owner is not None and finding.kind in owner.allowed:
            continue
        confirmed = finding.grade == "confirmed"
        outcome.right += right
        outcome.confirmed_right += right and confirmed
        outcome.confirmed_wrong += not right and confirmed
        if not right:
            outcome.wrong.append(finding)
    return outcome


def _is(finding: Finding, label: Label, expected: Expected) -> bool:
    if finding.kind != expected.kind or finding.statement is None:
        return False
    return _table(finding.statement.query) == (label.prefix, expected.child)


def _reads(finding: Finding, label: Label, expected: Expected) -> bool:
    if not expected.parent:
        return True
    return finding.parent is not None and _table(finding.parent.query) == (label.prefix, expected.parent)


def _table(query: str) -> tuple[str, str]:
    match = _TABLE.search(query)
    return (match[1], match[2].lower()) if match else ("", "")
