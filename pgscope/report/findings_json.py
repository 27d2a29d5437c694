"""Findings as JSON-ready data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pgscope.analysis.findings import Finding, StatementRef
from pgscope.report.times import iso


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding with its evidence, cost and remedy; queryids are strings, since JSON's numbers are floats."""
    names = list(finding.application_names)
    return {
        "kind": finding.kind,
        "grade": finding.grade,
        "application_name": names[0] if len(names) == 1 else None,
        "applications": names,
        "database": finding.database,
        "user": finding.user,
        "summary": finding.summary,
        "statement": _statement(finding.statement),
        "parent": _statement(finding.parent),
        "relationship": finding.relationship or None,
        "evidence": [
            {"kind": one.kind, "text": one.text, "numbers": dict(one.numbers)} for one in finding.evidence
        ],
        "cost": {name: _rounded(value) for name, value in asdict(finding.cost).items()},
        "remedy": {
            "summary": finding.remedy.summary,
            "lines": [{"for": who, "do": what} for who, what in finding.remedy.lines],
            "sql": finding.remedy.sql or None,
        },
        "points": [list(point) for point in finding.points],
        "pids": list(finding.pids),
        "first_seen": iso(finding.first_seen),
        "last_seen": iso(finding.last_seen),
        "ended": finding.ended,
        "fingerprint": finding.fingerprint,
    }


def _statement(ref: StatementRef | None) -> dict[str, Any] | None:
    if ref is None:
        return None
    return {
        "queryid": str(ref.queryid) if ref.queryid is not None else None,
        "queryids": [str(key.queryid) for key in ref.keys],
        "query": ref.query,
        "fingerprint": ref.fingerprint,
    }


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else round(value, 4)
