"""Scroll bars and borders for terminals without UTF-8, where Textual would draw parts of cells, and lines."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBarRender


class PlainScrollBar(ScrollBarRender):
    """Draws with colours alone."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


PLAIN_BORDERS = """
.-ascii Toast { border-left: none; }
.-ascii AskScreen > Vertical { border: ascii $text-error; }
.-ascii AskAnalyze > Vertical { border: ascii $text-warning; }
.-ascii .-low > Vertical { border: none; }
.-ascii PlanScreen #plan-pane { border-top: ascii $panel; }
.-ascii PlanScreen.-low #plan-pane { border-top: none; }
.-ascii CommandPalette #--input { border: none; }
.-ascii CommandPalette CommandList { border: none; }
.-ascii CommandPalette LoadingIndicator { border: none; }
"""
"""Where the app has the class `-ascii`."""
