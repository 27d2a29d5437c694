"""The line to draw through a finding's points."""

from __future__ import annotations

from pgscope.analysis.findings.model import Finding


def fitted_line(finding: Finding) -> tuple[float, float] | None:
    """Slope and intercept of child calls over parent rows; None where there is no fit to draw.

    The slope is the one that the verdict rests on (it may come from sums over several windows), the
    intercept is such that the line goes through the middle of the points shown.
    """
    slopes = [one.numbers["slope"] for one in finding.evidence if "slope" in one.numbers]
    if not slopes or not finding.points:
        return None
    count = len(finding.points)
    middle_x = sum(x for x, _ in finding.points) / count
    middle_y = sum(y for _, y in finding.points) / count
    return slopes[0], middle_y - slopes[0] * middle_x
