"""The tables that the text and the Markdown report have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pgscope.dataclass import dataclass
from pgscope.report.numbers import UNKNOWN
from pgscope.report.times import clock, epoch
from pgscope.text import one_line

_QUERY = 60
_MOST = 20
"""Rows of a table; the JSON has them all."""


@dataclass(frozen=True)
class Table:
    """A titled table of text; `right` names the columns that hold numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()
    note: str = ""


def tables(content: dict[str, Any]) -> list[Table]:
    """The tables of a document (see `document`)."""
    seconds = content["window"]["seconds"] or 1.0
    made = [
        _findings(content["findings"]),
        _lock_waits(content["lock_waits"], content["window"]),
        _applications(content["applications"], seconds),
        _statements(content["statements"], seconds),
    ]
    return [table for table in made if table.rows or table.title in ("Applications", "Statements")]


def heading(content: dict[str, Any]) -> str:
    """One line: which server, and how long it was watched."""
    server, window = content["server"], content["window"]
    if not server:
        return "no server was reached"
    return (
        f"PostgreSQL {server['version']} ({server['role']}) at {server['host']}:{server['port']}, "
        f"{window['seconds']:.0f} s from {window['start']}"
    )


def _applications(applications: Sequence[dict[str, Any]], seconds: float) -> Table:
    rows = [
        (
            _name(one["application_name"]),
            *_sessions(one),
            f"{one['calls'] / seconds:,.1f}",
            f"{one['rows'] / seconds:,.1f}",
            f"{one['exec_time_ms'] / seconds:,.1f}",
            _certainty(one),
        )
        for one in sorted(
            applications,
            key=lambda one: (one.get("own", False), one["application_name"] is None, -one["exec_time_ms"]),
        )
    ]
    return Table(
        "Applications",
        (
            "application",
            "sessions",
            "active avg",
            "idle in tx",
            "waiting",
            "calls/s",
            "rows/s",
            "ms/s",
            "how sure",
        ),
        rows,
        frozenset({"sessions", "active avg", "idle in tx", "waiting", "calls/s", "rows/s", "ms/s"}),
    )


def _sessions(one: dict[str, Any]) -> tuple[str, str, str, str]:
    if one.get("own"):  # they are not counted
        return ("-", "-", "-", "-")
    return (
        str(one["sessions"]),
        _seen(one["active_average"], ".2f"),
        _seen(one["idle_in_transaction"]),
        _seen(one["waiting"]),
    )


def _seen(number: float | None, form: str = "") -> str:
    return UNKNOWN if number is None else format(number, form)


def _certainty(application: dict[str, Any]) -> str:
    """The words for how its calls were attributed, with their parts where there are several."""
    calls = application["calls_by_attribution"]
    total = sum(calls.values())
    if total <= 0:
        return "-"
    parts = [(word, part / total) for word, part in calls.items() if part / total >= 0.005]
    if len(parts) == 1:
        return str(parts[0][0])
    return ", ".join(f"{word} {part:.0%}" for word, part in parts)


def _name(name: str | None) -> str:
    if name is None:
        return "unattributed"
    return name or "(no name)"


def _statements(statements: Sequence[dict[str, Any]], seconds: float) -> Table:
    rows = []
    statements = [one for one in statements if not one.get("own")]
    for one in statements[:_MOST]:
        shares = ", ".join(
            f"{_name(share['application_name'])} {share['share']:.0%} {share['attribution']}"
            if share["application_name"] is not None
            else f"unattributed {share['share']:.0%}"
            for share in one["applications"][:3]
        )
        rows.append(
            (
                f"{one['exec_time_ms'] / seconds:,.1f}",
                f"{one['calls'] / seconds:,.1f}",
                f"{one['mean_exec_time_ms']:,.2f}",
                f"{one['rows'] / one['calls'] if one['calls'] else 0:,.1f}",
                shares,
                shortened(one["query"], _QUERY),
            )
        )
    more = len(statements) - _MOST
    return Table(
        "Statements",
        ("ms/s", "calls/s", "mean ms", "rows/call", "application", "statement"),
        rows,
        frozenset({"ms/s", "calls/s", "mean ms", "rows/call"}),
        f"and {more} more; --format json has them all" if more > 0 else "",
    )


def _lock_waits(waits: Sequence[dict[str, Any]], window: dict[str, Any]) -> Table:
    def began(one: dict[str, Any]) -> str:
        ends = [epoch(window[end] or one["last_seen"]) for end in ("start", "end")]
        return clock(epoch(one["last_seen"]) - one["waited_seconds"], *ends)

    rows = [
        (
            began(one),
            str(one["pid"]),
            _name(one["application_name"]),
            f"{one['waited_seconds']:.1f}",
            str(one["mode"]),
            str(one["relation"] or "-"),
            ", ".join(map(str, one["root_pids"])),
            shortened(one["query"], _QUERY),
        )
        for one in sorted(waits, key=lambda one: -one["waited_seconds"])[:_MOST]
    ]
    more = len(waits) - _MOST
    return Table(
        "Lock waits",
        ("from", "pid", "application", "waited s", "mode", "relation", "root pids", "statement"),
        rows,
        frozenset({"pid", "waited s"}),
        f"the longest; {more} more are in --format json" if more > 0 else "",
    )


def _findings(findings: Sequence[dict[str, Any]]) -> Table:
    rows = []
    for one in findings[:_MOST]:
        names = one.get("applications") or [one.get("application_name")]
        rows.append(
            (
                one["kind"],
                one["grade"] or "-",
                ", ".join(_name(name) for name in names if name is not None) or "-",
                str(one["summary"]),
            )
        )
    return Table("Findings", ("kind", "grade", "application", "what"), rows)


def shortened(query: str, most: int) -> str:
    """A statement on one line, cut with an ellipsis."""
    line = one_line(query)
    return line if len(line) <= most else line[: most - 1] + "…"
