"""The rows of statements where nothing counts them: what was seen of them in sessions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pgscope.analysis.filter import Getters
from pgscope.analysis.live_statements import LiveStatement
from pgscope.report import numbers
from pgscope.text import one_line
from pgscope.tui.rows.applications import name_of
from pgscope.tui.rows.sessions import LONGEST_LINE
from pgscope.tui.table import Column, Row

COLUMNS = (
    Column(
        "active",
        "running",
        width=8,
        justify="right",
        priority=90,
        tooltip="Times it was seen running by a poll",
    ),
    Column(
        "seen",
        "seen",
        width=6,
        justify="right",
        priority=80,
        tooltip="Executions seen; most fall between polls",
    ),
    Column(
        "longest", "longest", width=8, justify="right", priority=85, tooltip="The longest it was seen running"
    ),
    Column("wait", "waits for", min_width=9, max_width=16, weight=0.3, priority=60),
    Column("app", "application", min_width=12, max_width=30, weight=1, priority=75),
    Column("query", "statement", min_width=20, weight=6, priority=70),
)

GETTERS: Getters[LiveStatement] = {
    "": lambda one: (name_of(one.key.application_name), one.text),
    "app": lambda one: name_of(one.key.application_name),
    "query": lambda one: one.text,
    "wait": lambda one: tuple(one.waits),
    "age": lambda one: one.longest,
}


def rows(statements: Sequence[LiveStatement]) -> list[Row]:
    """A row for each statement of an application."""
    return [
        Row(
            key=one.key,
            cells=partial(_cells, one),
            sort_values=(
                one.active,
                one.executions,
                one.longest,
                _main_wait(one),
                one.key.application_name.lower(),
                one.text[:200],
            ),
        )
        for one in statements
    ]


def _main_wait(one: LiveStatement) -> str | None:
    waits = {kind: count for kind, count in one.waits.items() if kind}
    return max(waits, key=lambda kind: waits[kind]) if waits else None


def _cells(one: LiveStatement) -> tuple[str, ...]:
    return (
        numbers.count(one.active) if one.active else "",
        numbers.count(one.executions),
        numbers.seconds(one.longest) if one.longest else "",
        _main_wait(one) or "",
        name_of(one.key.application_name),
        one_line(one.text[:LONGEST_LINE]),
    )
