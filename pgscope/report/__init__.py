"""A watch as a document: JSON for programs, text and Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pgscope.analysis.watch import Watch
from pgscope.report.document import document
from pgscope.report.html import page
from pgscope.report.markdown import markdown
from pgscope.report.plain import plain

__all__ = ["document", "render"]


def render(watch: Watch, form: str, notices: Sequence[str] = ()) -> str:
    """The report of a watch as 'json', 'markdown', 'html' or 'text', ending in a newline."""
    content = document(watch, notices)
    if form == "json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if form == "html":
        return page(content)
    return markdown(content) if form == "markdown" else plain(content)
