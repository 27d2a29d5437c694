"""One line of the table: its pieces, how two versions of it differ, and the strip they make."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from operator import is_
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from pgscope.tui.strips import PassingStrip, passing
from pgscope.tui.table.glyphs import Glyphs
from pgscope.tui.table.layout import GAP, Layout
from pgscope.tui.table.model import Cells, Column, Row
from pgscope.tui.table.text import fit

MARGIN = 2  # cells at the left: the cursor and the mark


class Piece(NamedTuple):
    """Text of known width with one style."""

    text: str
    style: Style
    width: int


Line = tuple[Piece, ...]
Palette = Mapping[str, Style]
"""Styles by tone, and under `base`, `header`, `cursor` and `mark`."""


def header_line(
    columns: Sequence[Column],
    layout: Layout,
    palette: Palette,
    glyphs: Glyphs,
    sort: str | None,
    descending: bool,
) -> Line:
    """The titles, with an arrow at the column that sorts and a sign where columns are hidden."""
    style = palette["header"]
    pieces = [Piece((glyphs.more_left if layout.hidden_left else " ").ljust(MARGIN), style, MARGIN)]
    for slot in layout.slots:
        column = columns[slot.index]
        arrow = ""
        if column.key == sort:
            arrow = glyphs.descending if descending else glyphs.ascending
        gap = 0 if slot is layout.slots[-1] else GAP
        room = slot.width - len(arrow)
        if len(column.title) > room and arrow:
            # No room for both: the arrow stands in the gap beside the column.
            before = pieces[-1]
            if column.justify == "right" and before.text.endswith(" "):
                pieces[-1] = before._replace(text=before.text[:-1] + arrow)
                arrow, room = "", slot.width
            elif column.justify == "left" and gap:
                room, gap = slot.width, gap - 1
        title = fit(column.title, room, column.justify, glyphs.ellipsis, glyphs.ascii_only) if room else ""
        if column.justify == "right":  # the arrow stands before the title, which ends where the numbers end
            bare = title.lstrip(" ")
            title = " " * (len(title) - len(bare)) + arrow + bare
        elif arrow:
            bare = title.rstrip(" ")
            title = bare + arrow + " " * (len(title) - len(bare))
        width = slot.width + (0 if slot is layout.slots[-1] else GAP)
        pieces.append(Piece(title + " " * gap, style, width))
    return tuple(pieces)


class RowLines:
    """Makes the lines of rows, from the pieces of the last ones where their cells are what they were."""

    def __init__(self) -> None:
        self._way: tuple[object, ...] = ()
        self._known: dict[Hashable, tuple[tuple[object, ...], Cells, Line]] = {}
        self._next: dict[Hashable, tuple[tuple[object, ...], Cells, Line]] = {}

    def begin(self, *way: object) -> None:
        """Begin a frame. `way` is all that says how rows are drawn: the same objects for the same lines."""
        same = len(way) == len(self._way) and all(map(is_, way, self._way))
        self._known, self._next = self._next if same else {}, {}
        self._way = way

    def line(
        self,
        row: Row,
        columns: Sequence[Column],
        layout: Layout,
        palette: Palette,
        glyphs: Glyphs,
        cursor: bool,
        marked: bool,
        focused: bool = True,
    ) -> Line:
        """A row: margin, then a piece for each column that is shown."""
        cells = row.cells if isinstance(row.cells, tuple) else row.cells()
        look = (row.tone, row.indent, row.prefix, row.mark, cursor, marked, focused)
        style = palette["cursor"] if cursor else palette.get(row.tone, palette["normal"])
        known = self._known.get(row.key)
        old: Cells = ()
        if known is not None and known[0] == look and len(known[1]) == len(cells):
            _, old, line = known
            if old == cells:
                self._next[row.key] = known
                return line
            pieces = list(line)
        else:
            margin_style = palette["mark"] if marked and not cursor else style
            pieces = [Piece(_margin(row, glyphs, cursor, marked, focused), margin_style, MARGIN)]
        for n, slot in enumerate(layout.slots, 1):
            index = slot.index
            cell = cells[index] if index < len(cells) else ""
            if old and (index >= len(cells) or old[index] == cell):
                continue
            text, tone = (cell, "normal") if type(cell) is str else (cell[0], cell[1])
            if index == 0 and (row.prefix or row.indent):
                text = (row.prefix or "  " * row.indent) + text
            text = fit(text, slot.width, columns[index].justify, glyphs.ellipsis, glyphs.ascii_only)
            gap = 0 if slot is layout.slots[-1] else GAP
            own = style if cursor or tone == "normal" else palette.get(tone, style)
            piece = Piece(text + " " * gap, own, slot.width + gap)
            if old:
                pieces[n] = piece
            else:
                pieces.append(piece)
        line = tuple(pieces)
        self._next[row.key] = (look, cells, line)
        return line


def _margin(row: Row, glyphs: Glyphs, cursor: bool, marked: bool, focused: bool) -> str:
    mark = glyphs.mark if marked else fit(row.mark, 1, "left", glyphs.ellipsis, glyphs.ascii_only)
    return ((glyphs.cursor if focused else glyphs.cursor_away) if cursor else " ") + mark


def changed_to(old: Line, new: Line, width: int) -> int:
    """The cell up to which two versions of a line differ; 0 if they are the same."""
    if old == new:
        return 0
    if len(old) != len(new):
        return width
    end = sum(piece.width for piece in new)
    for before, after in zip(reversed(old), reversed(new), strict=True):
        if before != after:
            return min(width, end) if before.width == after.width else width
        end -= after.width
    return width


def strip_of(line: Line, width: int, base: Style) -> PassingStrip:
    """The line as a strip of exactly `width` cells, in as few segments as possible."""
    segments: list[Segment] = []
    texts: list[str] = []
    style: Style | None = None
    used = 0
    for text, piece_style, piece_width in line:
        used += piece_width
        if (
            style is None
            or piece_style is style
            or piece_style == style
            or _invisible(text, style, piece_style)
        ):
            style = style or piece_style
        else:
            segments.append(Segment("".join(texts), style))
            texts = []
            style = piece_style
        texts.append(text)
    if used < width:
        if style is not None and not _invisible(" ", style, base):
            segments.append(Segment("".join(texts), style))
            texts = []
            style = base
        texts.append(" " * (width - used))
    segments.append(Segment("".join(texts), style or base))
    strip = PassingStrip(segments, max(used, width))
    return strip if used <= width else passing(strip.crop(0, width))


def _invisible(text: str, before: Style, own: Style) -> bool:
    """Whether blank text looks the same in the style before it: no need to change colours for it."""
    return (
        not text.strip(" ")
        and before.bgcolor == own.bgcolor
        and before.reverse == own.reverse
        and not (before.underline or own.underline or before.strike or own.strike)
    )
