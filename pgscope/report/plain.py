"""The report as text for a terminal or a log."""

from __future__ import annotations

import io
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from pgscope.report.tables import Table, heading, tables

_WIDTH = 140


def plain(content: dict[str, Any]) -> str:
    """The document (see `document`) as text of at most 140 columns."""
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, color_system=None, markup=False, highlight=False, emoji=False)
    console.print(heading(content))
    for notice in content["notices"]:
        console.print(f"! {notice}")
    for table in tables(content):
        console.print()
        console.print(table.title)
        console.print(_rich(table))
        if table.note:
            console.print(table.note)
    for number, finding in enumerate(content["findings"], 1):
        console.print()
        console.print(f"{number}. {finding['kind']} {finding['grade']}".rstrip() + f": {finding['summary']}")
        for evidence in finding["evidence"]:
            console.print(f"   - {evidence['text']}")
        console.print(f"   remedy: {finding['remedy']['summary']}")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _rich(table: Table) -> RichTable:
    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, column in enumerate(table.columns):
        last = index == len(table.columns) - 1
        made.add_column(
            Text(column),
            justify="right" if column in table.right else "left",
            no_wrap=not last and column != "application",
            overflow="fold",
        )
    for row in table.rows:
        made.add_row(*(Text(cell) for cell in row))
    return made
