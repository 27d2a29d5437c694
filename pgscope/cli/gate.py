"""--fail-on: which findings make the exit status 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pgscope.dataclass import dataclass
from pgscope.errors import UsageError

if TYPE_CHECKING:
    from pgscope.analysis.findings import Finding


@dataclass(frozen=True)
class Gate:
    """Kinds of findings, each with the weakest grade that counts."""

    conditions: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, values: Sequence[str]) -> Gate:
        """Read `KIND` or `KIND:GRADE`, several with commas. Raises UsageError for an unknown one."""
        from pgscope.analysis.findings.model import GRADES, KINDS

        conditions = []
        for value in ",".join(values).split(","):
            kind, _, grade = value.strip().partition(":")
            if not kind:
                continue
            if kind not in KINDS:
                raise UsageError(f"--fail-on: no finding is of kind {kind!r}; one of: {', '.join(KINDS)}")
            if grade not in GRADES:
                raise UsageError(
                    f"--fail-on: no grade is {grade!r}; one of: {', '.join(filter(None, GRADES))}"
                )
            conditions.append((kind, grade))
        return cls(tuple(conditions))

    def trips(self, findings: Iterable[Finding]) -> bool:
        """Whether a finding is of one of these kinds, and of the grade asked for or a better one."""
        from pgscope.analysis.findings.model import GRADES

        return any(
            finding.kind == kind and GRADES.index(finding.grade) >= GRADES.index(grade)
            for finding in findings
            for kind, grade in self.conditions
        )
