"""All lines of the table as they should be at a moment: header, rows in view, scroll mark, placeholder."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from pgscope.tui.table.cursor import thumb
from pgscope.tui.table.glyphs import Glyphs
from pgscope.tui.table.layout import Layout
from pgscope.tui.table.lines import MARGIN, Line, Palette, Piece, RowLines, header_line
from pgscope.tui.table.model import Column, Row
from pgscope.tui.table.text import fit


class View(NamedTuple):
    """What of the table is in view, and how. `cursor` and `top` are positions in `rows`."""

    columns: Sequence[Column]
    layout: Layout
    rows: Sequence[Row]
    top: int
    cursor: int
    marked: Collection[Hashable]
    sort: str | None
    descending: bool
    placeholder: str
    focused: bool = True


def compose(
    view: View, width: int, height: int, palette: Palette, glyphs: Glyphs, made: RowLines
) -> list[Line]:
    """`height` lines; those without content are empty. `made` has the lines of the rows made before."""
    layout = view.layout
    used = MARGIN + (layout.slots[-1].end if layout.slots else 0)
    filler = max(0, width - used - 1)
    end = glyphs.more_right if layout.hidden_right else " "
    header = header_line(view.columns, layout, palette, glyphs, view.sort, view.descending)
    lines: list[Line] = [(*header, Piece(" " * filler + end, palette["header"], filler + 1))]
    room = max(1, height - 1)
    made.begin(view.columns, layout, palette, glyphs)
    scrolled = thumb(view.top, room, len(view.rows))
    for y, row in enumerate(view.rows[view.top : view.top + room]):
        cursor = view.top + y == view.cursor
        marked = row.key in view.marked if view.marked else False
        line = made.line(row, view.columns, layout, palette, glyphs, cursor, marked, view.focused)
        style = line[0].style if cursor else palette["normal"]
        tail = " " * filler + (glyphs.thumb if y in scrolled else " ")
        lines.append((*line, Piece(tail, style, filler + 1)))
    if not view.rows:
        lines += _placeholder(view.placeholder, width, palette, glyphs)
    lines += [()] * (height - len(lines))
    return lines[:height]


def _placeholder(text: str, width: int, palette: Palette, glyphs: Glyphs) -> list[Line]:
    room = max(1, width - MARGIN)
    texts = [fit(line, room, "left", glyphs.ellipsis, glyphs.ascii_only) for line in text.splitlines()]
    return [(Piece(" " * MARGIN + line, palette["muted"], room + MARGIN),) for line in texts]
