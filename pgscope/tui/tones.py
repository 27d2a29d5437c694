"""Tones as styles for text outside tables, in theme variables only."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from pgscope.tui.table import Tone
from pgscope.tui.table.glyphs import terminal_glyphs

STYLES: Mapping[str, str] = {
    "normal": "",
    "muted": "dim",
    "accent": "$text-accent",
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "bold $text-error",
    "heading": "bold",
}


def styled(text: str, tone: Tone = "normal") -> Content:
    """Plain text with a tone; nothing in it is markup."""
    return Content.styled(text, STYLES[tone]) if STYLES[tone] else Content(text)


def content_style(tone: str) -> str:
    """The style of a tone as Textual writes it; what is no tone is such a style itself."""
    return STYLES.get(tone, tone)


def cut(content: Content, width: int) -> Content:
    """As much of it as so many cells hold; that there is more is said by a sign that this terminal has."""
    glyphs = terminal_glyphs()
    if not glyphs.ascii_only or content.cell_length <= width or width < 1:
        return content.truncate(width, ellipsis=True)
    return Content.assemble(content.truncate(width - 1), glyphs.ellipsis)
