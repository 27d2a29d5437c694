"""Statements by application: a balance sheet of what was counted, and how sure its answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgscope.analysis.attribution.shares import (
    ApplicationStatement,
    ApplicationStatements,
    Certainty,
    Share,
)

if TYPE_CHECKING:
    from pgscope.analysis.attribution.attribution import Attribution

__all__ = ["ApplicationStatement", "ApplicationStatements", "Attribution", "Certainty", "Share"]


def __getattr__(name: str) -> Any:
    """Attribution, imported when it is first needed: the first rows are shown without it."""
    if name == "Attribution":
        from pgscope.analysis.attribution.attribution import Attribution

        return Attribution
    raise AttributeError(name)
