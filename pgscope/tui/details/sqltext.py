"""A statement's text, laid out and coloured. It is text all the way: nothing in it is markup."""

from __future__ import annotations

import asyncio

from pygments.token import Token
from textual.content import Content
from textual.highlight import HighlightTheme, highlight
from textual.widgets import Static

from pgscope.analysis.prettify import prettify
from pgscope.tui.glyphs import Signs
from pgscope.tui.tones import styled

LONGEST_COLOURED = 30_000
"""Characters; a longer text is shown in one colour."""
LONGEST_SHOWN = 100_000


class SqlTheme(HighlightTheme):
    """Few colours, of the theme's own, so that 16 colours and a light background work."""

    STYLES = {  # noqa: RUF012
        Token.Comment: "dim",
        Token.Keyword: "bold $text-accent",
        Token.Literal.Number: "$text-warning",
        Token.Literal.String: "$text-success",
        Token.Name.Variable: "$text-warning",
    }


def coloured(sql: str) -> Content:
    """The text with its words coloured; a text that is too long for that as it is."""
    if len(sql) > LONGEST_COLOURED:
        rest = len(sql) - LONGEST_SHOWN
        return Content(sql if rest <= 0 else f"{sql[:LONGEST_SHOWN]}\n({rest:,} more characters)")
    return highlight(sql, language="postgresql", theme=SqlTheme)


class SqlText(Static):
    """Shows a statement at once as it is, and laid out as soon as that is done (in a thread)."""

    DEFAULT_CSS = """
    SqlText { height: auto; width: 100%; padding: 1 0 0 0; }
    """

    def __init__(self, signs: Signs, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._signs = signs
        self._sql = ""
        self._laid_out = ""
        self._done = ""
        self._raw = False

    def show_sql(self, sql: str, otherwise: str = "") -> None:
        """Show a statement; `otherwise` if it is empty."""
        sql = self._signs.text(sql)
        if sql == self._sql and (sql or self._laid_out == otherwise):
            return
        self._sql = sql
        self._laid_out = sql or otherwise
        self._draw()
        if sql:
            self.run_worker(self._lay_out(sql), exclusive=True, exit_on_error=False)

    @property
    def is_laid_out(self) -> bool:
        """Whether nothing is still being laid out."""
        return self._done == self._sql

    def toggle_raw(self) -> None:
        """Turn between the text as it came and laid out."""
        self._raw = not self._raw
        self._draw()

    async def _lay_out(self, sql: str) -> None:
        laid_out = await asyncio.to_thread(prettify, sql)
        if sql == self._sql:
            self._laid_out = laid_out
            self._done = sql
            self._draw()

    def _draw(self) -> None:
        if not self._sql:
            self.update(styled(self._laid_out, "muted"))
            return
        self.update(coloured(self._sql if self._raw else self._laid_out))
