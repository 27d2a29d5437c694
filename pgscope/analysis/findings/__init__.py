"""What ORMs and programs do to a database, found from the server's side: N+1 with its proof, and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgscope.analysis.findings.model import (
    Cost,
    Evidence,
    Finding,
    FindingSettings,
    Remedy,
    StatementRef,
    Thresholds,
)

if TYPE_CHECKING:
    from pgscope.analysis.findings.fold import Findings

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


def __getattr__(name: str) -> Any:
    """Findings, imported when it is first needed: the first rows are shown without it."""
    if name == "Findings":
        from pgscope.analysis.findings.fold import Findings

        return Findings
    raise AttributeError(name)
