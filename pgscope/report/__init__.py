"""A watch as a document: JSON for programs, text and Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgscope.analysis.watch import Watch

__all__ = ["render"]


def render(watch: Watch, form: str, notices: Sequence[str] = ()) -> str:
    """The report of a watch as 'json', 'markdown', 'html' or 'text', ending in a newline."""
    # Not at the top: the screen asks this package for its forms of numbers only.
    from pgscope.report.document import document

    content = document(watch, notices)
    if form == "json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if form == "html":
        from pgscope.report.html import page

        return page(content)
    from pgscope.report.markdown import markdown
    from pgscope.report.plain import plain

    return markdown(content) if form == "markdown" else plain(content)
