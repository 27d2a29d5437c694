"""The rows of findings, worst cost first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from pgscope.analysis.filter import Getters
from pgscope.analysis.findings import Cost, Finding
from pgscope.report import numbers
from pgscope.text import clean
from pgscope.tui.glyphs import Signs
from pgscope.tui.rows.applications import FINDING_WORDS, name_of
from pgscope.tui.table import Cell, Column, Row, Tone

COLUMNS = (
    Column("kind", "found", width=10, fixed=True, priority=99, tooltip="What kind of thing it is"),
    Column(
        "grade",
        "grade",
        width=9,
        priority=92,
        tooltip="confirmed: by two kinds of evidence or more; likely: by one; Enter shows all of it",
    ),
    Column("app", "application", min_width=11, max_width=24, weight=1, priority=94),
    Column("what", "what", min_width=24, weight=6, priority=96, tooltip="What is the matter, in a line"),
    Column(
        "calls", "calls/s", width=7, justify="right", needs=105, priority=40, tooltip="Calls that it is about"
    ),
    Column(
        "spared",
        "avoid/s",
        width=7,
        justify="right",
        needs=90,
        priority=70,
        tooltip="Avoidable round trips: how many fewer there would be each second with the remedy",
    ),
    Column(
        "cost",
        "cost",
        width=8,
        justify="right",
        priority=90,
        tooltip="Time that clients wait for what could be spared, or that the server works on it, in each "
        "second; for a transaction who waits behind it, how much dead data it holds, or how long it is open",
    ),
    Column(
        "seen",
        "seen",
        width=9,
        justify="right",
        priority=88,
        tooltip="How long ago it was first seen, or since when it has ended",
    ),
    Column("db", "database", min_width=8, max_width=16, weight=0.3, needs=130, priority=15),
    Column("user", "user", min_width=8, max_width=16, weight=0.3, needs=130, priority=14),
)

Key: TypeAlias = "tuple[str, int, int, str, tuple[int, ...]]"


def key_of(finding: Finding) -> Key:
    """What stays the same while a finding lasts."""
    return (finding.kind, finding.datid, finding.usesysid, finding.fingerprint, finding.pids)


def word_of(finding: Finding) -> str:
    """Its kind in a word."""
    return FINDING_WORDS.get(finding.kind, finding.kind)


def names_of(finding: Finding) -> tuple[str, ...]:
    """The applications it is about, for people."""
    return tuple(name_of(name) for name in finding.application_names)


def who(finding: Finding) -> str:
    """The applications on one line; '(not known yet)' while none is known."""
    if not finding.application_names:
        return "" if finding.kind == "xmin_held" else "(not known yet)"
    return ", ".join(names_of(finding))


def note_of(finding: Finding, at: float) -> str:
    """What the configuration says of it once it is ignored."""
    day = time.strftime("%Y-%m-%d", time.localtime(at))
    where = ", ".join(filter(None, (who(finding), finding.database)))
    return clean(f"{word_of(finding)} of {where}: {finding.summary} ({day})", lines=False)


def tone_of(finding: Finding) -> Tone:
    """The colour beside the word: what is proved stands out, what has ended steps back."""
    if finding.ended or not finding.grade:
        return "muted"
    return "bad" if finding.grade == "confirmed" else "warn"


def getters(at: float) -> Getters[Finding]:
    """How a filter asks findings, as of a moment."""
    return {
        "": lambda one: (
            word_of(one),
            one.kind,
            one.grade,
            *names_of(one),
            one.summary,
            one.database,
            one.user,
            *_texts(one),
        ),
        "app": names_of,
        "user": lambda one: one.user,
        "db": lambda one: one.database,
        "kind": lambda one: (one.kind, word_of(one), one.grade),
        "state": lambda one: "ended" if one.ended else one.grade or "open",
        "query": lambda one: "\n".join(_texts(one)),
        "calls": lambda one: one.cost.calls_per_s,
        "rows": lambda one: one.cost.rows_per_s,
        "age": lambda one: at - one.first_seen,
    }


def _texts(finding: Finding) -> tuple[str, ...]:
    return tuple(ref.query for ref in (finding.statement, finding.parent) if ref is not None)


def cost_text(cost: Cost) -> str:
    """The cost that counts, in at most 8 characters."""
    if cost.waiting:
        return f"{cost.waiting} wait"
    spent = max(cost.client_wait_ms_per_s, cost.server_ms_per_s)
    if spent > 0:
        return numbers.millis(spent) + "/s"
    if cost.xmin_age:
        return numbers.count(cost.xmin_age) + " tx"
    return numbers.seconds(cost.held_s) if cost.held_s else ""


def seen_text(finding: Finding, at: float) -> str:
    """How long it has been known, or since when it has ended, in at most 9 characters."""
    if not finding.ended:
        return numbers.seconds(at - finding.first_seen)
    ago = max(at - finding.last_seen, 0.0)
    return f"ended {ago:.0f}s" if ago < 99.5 else f"ended {ago / 60:.0f}m"


def rows(findings: Sequence[Finding], at: float, signs: Signs) -> list[Row]:
    """A row for each finding; cells are made when they come into view."""
    return [_row(finding, at, signs) for finding in findings]


def _row(finding: Finding, at: float, signs: Signs) -> Row:
    cost = finding.cost
    lasting = not finding.ended
    return Row(
        key=key_of(finding),
        cells=partial(_cells, finding, at),
        sort_values=(
            word_of(finding),
            _GRADES.get(finding.grade, 2),
            who(finding).lower() or None,
            finding.summary,
            cost.calls_per_s or None,
            cost.avoidable_round_trips_per_s or None,
            (lasting, cost.weight),
            at - finding.first_seen if lasting else finding.last_seen - at,
            finding.database,
            finding.user,
        ),
        tone="muted" if finding.ended else "normal",
        mark="" if finding.ended or not finding.grade else signs.finding,
    )


_GRADES = {"confirmed": 0, "likely": 1}


def _cells(finding: Finding, at: float) -> tuple[Cell | str, ...]:
    cost = finding.cost
    tone = tone_of(finding)
    return (
        Cell(word_of(finding), tone),
        Cell(finding.grade, tone),
        who(finding),
        finding.summary,
        numbers.count(cost.calls_per_s) if cost.calls_per_s else "",
        numbers.count(cost.avoidable_round_trips_per_s) if cost.avoidable_round_trips_per_s else "",
        Cell(cost_text(cost), "bad" if cost.waiting and not finding.ended else "normal"),
        seen_text(finding, at),
        finding.database,
        finding.user,
    )
