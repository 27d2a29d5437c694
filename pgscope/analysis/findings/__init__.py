"""What ORMs and programs do to a database, found from the server's side: N+1 with its proof, and more."""

from pgscope.analysis.findings.fold import Findings
from pgscope.analysis.findings.model import (
    Cost,
    Evidence,
    Finding,
    FindingSettings,
    Remedy,
    StatementRef,
    Thresholds,
)

__all__ = [
    "Cost",
    "Evidence",
    "Finding",
    "FindingSettings",
    "Findings",
    "Remedy",
    "StatementRef",
    "Thresholds",
]
