"""Statements by application: a balance sheet of what was counted, and how sure its answer is."""

from pgscope.analysis.attribution.attribution import Attribution
from pgscope.analysis.attribution.shares import (
    ApplicationStatement,
    ApplicationStatements,
    Certainty,
    Share,
)

__all__ = ["ApplicationStatement", "ApplicationStatements", "Attribution", "Certainty", "Share"]
