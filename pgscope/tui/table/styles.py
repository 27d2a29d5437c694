"""The look of the table, in theme variables only, so that every theme, 16 colours and NO_COLOR work."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

from pgscope.tui.table.model import TONES

PARTS: Final = (*TONES, "header", "cursor", "mark")
COMPONENT_CLASSES: Final = {f"live-table--{part}" for part in PARTS}

CSS: Final = """
LiveTable {
    height: 1fr;
    background: $background;
    color: $foreground;
    & > .live-table--header { background: $panel; color: $foreground; text-style: bold; }
    & > .live-table--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
    }
    &:focus > .live-table--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    & > .live-table--mark { color: $text-accent; text-style: bold; }
    & > .live-table--normal { color: $foreground; }
    & > .live-table--muted { color: $text-muted; }
    & > .live-table--accent { color: $text-accent; }
    & > .live-table--good { color: $text-success; }
    & > .live-table--warn { color: $text-warning; }
    & > .live-table--bad { color: $text-error; text-style: bold; }
    & > .live-table--heading { color: $foreground; text-style: bold; }
    &:ansi > .live-table--header { text-style: bold underline; }
    &:ansi > .live-table--muted { color: ansi_default; text-style: dim; }
    &:nocolor > .live-table--header { text-style: bold underline; }
    &:nocolor > .live-table--warn { text-style: bold; }
    &:nocolor:focus > .live-table--cursor {
        text-style: reverse;
        background: $background;
        color: $foreground;
    }
}
"""


def filtered(widget: Widget, style: Style) -> Style:
    """A style as Textual's filters make it (no colours, no dim): once, in place of at each line."""
    segments = [Segment(" ", style)]
    for line_filter in widget.get_line_filters():
        segments = line_filter.apply(segments, widget.background_colors[1])
    return segments[0].style or style
