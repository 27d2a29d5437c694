"""The report as Markdown, for a ticket or a pull request."""

from __future__ import annotations

import re
from typing import Any

from pgscope.report.tables import Table, heading, tables

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def escaped(text: str) -> str:
    """Text with nothing left that Markdown or the HTML in it would obey."""
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def markdown(content: dict[str, Any]) -> str:
    """The document (see `document`) as Markdown."""
    lines = ["# pgscope report", "", escaped(heading(content)), ""]
    lines += [f"> {escaped(notice)}" for notice in content["notices"]]
    for table in tables(content):
        lines += ["", f"## {table.title}", "", *_table(table)]
        if table.note:
            lines += ["", escaped(table.note)]
    if content["findings"]:
        lines += ["", "## Evidence and remedies"]
    for finding in content["findings"]:
        title = f"{finding['kind']} {finding['grade']}".rstrip()
        lines += ["", f"### {escaped(title)}: {escaped(finding['summary'])}", ""]
        lines += [f"- {escaped(evidence['text'])}" for evidence in finding["evidence"]]
        lines += ["", f"**Remedy:** {escaped(finding['remedy']['summary'])}"]
        if finding["remedy"].get("sql"):
            lines += ["", *_fenced(finding["remedy"]["sql"])]
    return "\n".join(lines) + "\n"


def _fenced(sql: str) -> list[str]:
    """A code block that its own content cannot end."""
    longest = max((len(run) for run in re.findall("`+", sql)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sql", *sql.splitlines(), fence]


def _table(table: Table) -> list[str]:
    rule = ["---:" if column in table.right else "---" for column in table.columns]
    lines = ["| " + " | ".join(table.columns) + " |", "| " + " | ".join(rule) + " |"]
    return lines + ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in table.rows]
