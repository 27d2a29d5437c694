"""Tones as styles for text outside tables, in theme variables only."""

from __future__ import annotations

from textual.content import Content

from pgscope.tui.table import Tone

STYLES: dict[Tone, str] = {
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
