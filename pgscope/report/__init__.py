"""A watch as a document: JSON for programs, text and Markdown for people."""

from __future__ import annotations

import json

from pgscope.analysis.watch import Watch
from pgscope.report.document import document
from pgscope.report.markdown import markdown
from pgscope.report.plain import plain

__all__ = ["document", "render"]


def render(watch: Watch, form: str) -> str:
    """The report of a watch as 'json', 'markdown' or 'text', ending in a newline."""
    content = document(watch)
    if form == "json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return markdown(content) if form == "markdown" else plain(content)
