"""The tables whose columns can be chosen, by the name that the configuration knows them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgscope.tui.doctor import screen as doctor
from pgscope.tui.fleet import rows as fleet
from pgscope.tui.rows import (
    applications,
    ended_waits,
    findings,
    live_statements,
    locks,
    plans,
    sessions,
    statements,
)
from pgscope.tui.table import Column

_STATEMENTS = (*statements.columns(False), *statements.columns(True))

TABLES: Mapping[str, Sequence[Column]] = {
    "applications": applications.columns("application"),
    "sessions": sessions.COLUMNS,
    "statements": (*_STATEMENTS, *live_statements.COLUMNS),
    "locks": locks.COLUMNS,
    "ended": ended_waits.COLUMNS,
    "findings": findings.COLUMNS,
    "plans": plans.COLUMNS,
    "group-sessions": sessions.COLUMNS,
    "group-statements": _STATEMENTS,
    "doctor": doctor.COLUMNS,
    "fleet-servers": fleet.SERVERS,
    "fleet-findings": fleet.FINDINGS,
}
