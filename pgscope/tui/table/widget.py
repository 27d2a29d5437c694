"""The widget: keeps rows, cursor, marks and scroll position, and repaints the lines that changed.

Scrolling is its own (whole rows, whole columns): Textual's scroll bars would lay out the screen and repaint a
column of it whenever the number of rows changes, which costs more than the table itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from operator import is_
from typing import Any, ClassVar, TypeAlias

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pgscope.config import ColumnChoice
from pgscope.tui.slowlink import LOOK_EVERY_S, paint_budget
from pgscope.tui.table import messages, styles
from pgscope.tui.table.choice import wanted_columns
from pgscope.tui.table.cursor import clamp, top_after, top_for
from pgscope.tui.table.frame import View
from pgscope.tui.table.frame import compose as frame_of
from pgscope.tui.table.glyphs import Glyphs, terminal_glyphs
from pgscope.tui.table.hold import Hold, as_before
from pgscope.tui.table.keys import BINDINGS
from pgscope.tui.table.layout import Layout, arrange, clip, last_first
from pgscope.tui.table.lines import MARGIN, Line, RowLines
from pgscope.tui.table.model import Column, Row
from pgscope.tui.table.order import Order
from pgscope.tui.table.painted import Key, Painted

_WHEEL_ROWS = 3


class LiveTable(Widget, can_focus=True):
    """A sortable table with a cursor for snapshots of live data.

    The cursor rests on the top row until a key moves it or acts on its row (and again after `home`); from
    then on it holds to its row's key, whatever the sort order does. When that row goes, the one now at its
    place is next. For a moment after such a key the rows keep their order.
    All text is shown as it is: no markup, no control characters.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = list[BindingType](BINDINGS)
    COMPONENT_CLASSES: ClassVar[set[str]] = styles.COMPONENT_CLASSES
    DEFAULT_CSS = styles.CSS

    Highlighted: TypeAlias = messages.Highlighted
    Opened: TypeAlias = messages.Opened
    SortChanged: TypeAlias = messages.SortChanged

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        sort: str | None = None,
        descending: bool | None = None,
        placeholder: str = "",
        glyphs: Glyphs | None = None,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        """`sort` is the key of the column that sorts at first; None leaves rows in the order given.
        `placeholder` is shown while there are no rows. `glyphs` are those of the terminal by default."""
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._columns = tuple(columns)
        self._chosen: tuple[ColumnChoice, ...] = ()
        self._glyphs = glyphs or terminal_glyphs()
        self._placeholder = placeholder
        self._sort = sort
        self._descending = self._first_descending(sort) if descending is None else descending
        self._order = Order()
        self._given: Sequence[Row] = ()
        self._rows: list[Row] = []
        self._cursor = 0
        self._pinned = False
        self._hold = Hold()
        self._settling = False
        self._told: tuple[Hashable | None] | None = None
        self._clicked: tuple[Hashable] | None = None
        self._marked: set[Hashable] = set()
        self._top = 0
        self._first = 0
        self._layout_now = Layout(())
        self._layout_width = -1
        self._palette: dict[str, Style] = {}
        self._row_lines = RowLines()
        self._painted = Painted()
        self._cursor_line = 0
        self._slicing = False

    # --- what it holds

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, shown or not."""
        return self._columns

    @property
    def rows(self) -> Sequence[Row]:
        """The rows in the order shown."""
        return self._rows

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        row = self.cursor_row
        return None if row is None else row.key

    @property
    def sort_column(self) -> str | None:
        """The key of the column that sorts."""
        return self._sort

    @property
    def sort_descending(self) -> bool:
        """Whether the order runs downwards."""
        return self._descending

    @property
    def marked(self) -> frozenset[Hashable]:
        """The keys of the marked rows. A row that goes loses its mark: nothing unseen is acted upon."""
        return frozenset(self._marked)

    @property
    def visible_columns(self) -> tuple[Column, ...]:
        """The columns that fit at the moment, from left to right."""
        return tuple(self._columns[slot.index] for slot in self._arrange().slots)

    # --- changing it

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show a snapshot. Call it once for each; the sequence must not change afterwards."""
        before, self._given = self._given, rows
        if rows and len(before) == len(rows) and not self._settling and all(map(is_, before, rows)):
            self._repaint()  # in the same order: there may be ages among the cells
        else:
            self._resort(hold=True)

    def set_columns(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Change the columns, together with rows that have cells for them."""
        self._columns = tuple(columns)
        self._first = 0
        self._layout_width = -1
        self._given = rows
        self._resort(hold=True)

    def choose(self, chosen: Sequence[ColumnChoice]) -> None:
        """Show these columns only, in this order and of these widths; with none, all as they come."""
        if tuple(chosen) != self._chosen:
            self._chosen = tuple(chosen)
            self._first = 0
            self._layout_width = -1
            self._repaint()

    def set_placeholder(self, text: str) -> None:
        """Change the text shown while there are no rows."""
        self._placeholder = text
        self._repaint()

    def sort_by(self, key: str, descending: bool | None = None) -> None:
        """Sort by a column; by the one that sorts already, turn the order round.

        Raises KeyError for a key that no sortable column has.
        """
        column = next((c for c in self._columns if c.key == key and c.sortable), None)
        if column is None:
            raise KeyError(key)
        if descending is None:
            descending = not self._descending if key == self._sort else column.first_descending
        self._sort, self._descending = key, descending
        self._resort()
        self.post_message(self.SortChanged(self, key, descending))

    def move_to_key(self, key: Hashable) -> bool:
        """Put the cursor on a row; False if there is no such row."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._move(index)
                return True
        return False

    def hold(self) -> None:
        """A key was pressed that is aimed at the row under the cursor: stay with it, and keep the order."""
        if self._rows:
            self._pinned = True
        self._hold.begin()

    def toggle_mark(self, key: Hashable | None = None) -> None:
        """Mark or unmark a row (by default the one under the cursor)."""
        key = self.cursor_key if key is None else key
        if key is not None and any(row.key == key for row in self._rows):
            self._marked ^= {key}
            self._repaint()

    def clear_marks(self) -> None:
        """Unmark every row."""
        self._marked.clear()
        self._repaint()

    # --- actions

    def action_cursor(self, rows: int) -> None:
        """Move the cursor by a number of rows."""
        self._hold.begin()
        self._move(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a number of screens."""
        self._top = clamp(self._top + pages * self._height, 0, len(self._rows) - self._height)
        self._move(self._cursor + pages * self._height)

    def action_home(self) -> None:
        """Go to the top row, and (after a moment) stay there whichever row that is."""
        self._move(0)
        self._hold.begin()
        self._pinned = False

    def action_end(self) -> None:
        """Go to the last row."""
        self._move(len(self._rows) - 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to open in an empty table."""
        return bool(self._rows) if action == "open" else super().check_action(action, parameters)

    def action_open(self) -> None:
        """Choose the row under the cursor."""
        if (row := self.cursor_row) is not None:
            self.hold()
            self.post_message(self.Opened(self, row.key))

    def action_sideways(self, columns: int) -> None:
        """Scroll by a number of columns; the fixed ones stay."""
        furthest = last_first([column for _, column in self._wanted()], self._room)
        first = clamp(self._first + columns, 0, furthest)
        if first != self._first:
            self._first = first
            self._layout_width = -1
            self._repaint()

    def action_sort_next(self) -> None:
        """Sort by the next column to the right that is shown, then from the left again."""
        keys = [column.key for column in self.visible_columns if column.sortable]
        if keys:
            self.sort_by(keys[(keys.index(self._sort) + 1) % len(keys) if self._sort in keys else 0])

    def action_sort_reverse(self) -> None:
        """Turn the order round."""
        if any(column.key == self._sort and column.sortable for column in self._columns):
            self.sort_by(str(self._sort))

    def action_sort_by(self, key: str) -> None:
        """Sort by a column, named by its key."""
        self.sort_by(key)

    def action_toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor."""
        self.toggle_mark()

    # --- mouse and size

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(self._top + _WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(self._top - _WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            slot = self._arrange().at(offset.x - MARGIN)
            if slot is not None and self._columns[slot.index].sortable:
                self.sort_by(self._columns[slot.index].key)
            return
        if offset.x >= self.size.width - 1 and len(self._rows) > self._height:
            share = (offset.y - 1) / max(1, self._height - 1)
            self._scroll(round(share * (len(self._rows) - self._height)))
            return
        # By the key that is painted there: the rows may have moved, also between two clicks.
        shown = self._painted.key_at(offset.y)
        if shown is not None:
            again = self._clicked == shown
            if self.move_to_key(shown[0]):
                self._clicked = shown
                if again:
                    self.action_open()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        slot = self._arrange().at(offset.x - MARGIN) if offset is not None and offset.y == 0 else None
        text = self._columns[slot.index].tooltip if slot is not None else ""
        tooltip = Content(text) if text else None
        if tooltip != self.tooltip:
            self.tooltip = tooltip

    def on_resize(self) -> None:
        furthest = last_first([column for _, column in self._wanted()], self._room)
        self._first = min(self._first, furthest)
        if self._pinned:
            self._top = top_for(self._top, self._cursor, self._height, len(self._rows))
        self._scroll(self._top)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette = {}
        if self.is_mounted:
            self.call_next(self._repaint)

    # --- inside

    @property
    def _height(self) -> int:
        """Lines for rows, at least one."""
        return max(1, self.size.height - 1)

    @property
    def _room(self) -> int:
        """Cells for columns: the width without the margin and the scroll mark."""
        return self.size.width - MARGIN - 1

    def _first_descending(self, key: str | None) -> bool:
        return next((c.first_descending for c in self._columns if c.key == key), False)

    def _resort(self, *, hold: bool = False) -> None:
        before = self.cursor_row
        was = self._cursor
        rows = self._order.sorted(self._given, self._columns, self._sort, self._descending)
        held = hold and self._hold.left > 0
        if held:
            rows = as_before(self._rows, rows)
            self._settle_later()
        self._rows = rows
        count = len(self._rows)
        if not (self._pinned or held) or before is None:
            self._cursor = 0
            self._top = clamp(self._top, 0, count - self._height)
        else:
            key = before.key
            self._cursor = next(
                (i for i, row in enumerate(self._rows) if row.key == key), clamp(was, 0, count - 1)
            )
            self._top = top_after(self._top, was, self._cursor, self._height, count)
        if self._marked:
            self._marked &= {row.key for row in self._rows}
        if (before is None) != (not self._rows) and self.is_attached:
            self.refresh_bindings()
        self._repaint()
        self._tell()

    def _settle_later(self) -> None:
        """Have the rows sorted when no key holds them any longer, also if no snapshot comes by then."""
        if not self._settling and self.is_running:
            self._settling = True
            self.set_timer(self._hold.left + 0.01, self._settle)

    def _settle(self) -> None:
        self._settling = False
        self._resort(hold=True)

    def _move(self, index: int) -> None:
        if not self._rows:
            return
        self._cursor = clamp(index, 0, len(self._rows) - 1)
        self._pinned = True
        self._clicked = None
        self._top = top_for(self._top, self._cursor, self._height, len(self._rows))
        self._repaint()
        self._tell()

    def _scroll(self, top: int) -> None:
        self._top = clamp(top, 0, len(self._rows) - self._height)
        self._repaint()

    def _tell(self) -> None:
        key = self.cursor_key
        if self._told != (key,):
            self._told = (key,)
            self.post_message(self.Highlighted(self, key))

    def _arrange(self) -> Layout:
        room = self._room
        if room != self._layout_width:
            wanted = self._wanted()
            layout = clip(arrange([column for _, column in wanted], room, self._first), room)
            slots = tuple(replace(slot, index=wanted[slot.index][0]) for slot in layout.slots)
            self._layout_now = replace(layout, slots=slots)
            self._layout_width = room
        return self._layout_now

    def _wanted(self) -> list[tuple[int, Column]]:
        """The columns that may be shown, each with its place among all."""
        return wanted_columns(self._columns, self._chosen)

    def _styles(self) -> dict[str, Style]:
        if not self._palette:
            self._palette["base"] = styles.filtered(self, self.rich_style)
            for part in styles.PARTS:
                style = self.get_component_rich_style(f"live-table--{part}")
                self._palette[part] = styles.filtered(self, style)
        return self._palette

    def _compose_lines(self) -> list[Line]:
        """The lines in view as they should be now."""
        view = View(
            self._columns,
            self._arrange(),
            self._rows,
            self._top,
            self._cursor,
            self._marked,
            self._sort,
            self._descending,
            self._placeholder,
            self.has_focus,
        )
        width, height = self.size
        return frame_of(view, width, height, self._styles(), self._glyphs, self._row_lines)

    def _repaint(self) -> None:
        """Bring the lines up to date and ask for those that changed, each up to its last change."""
        if not self.is_mounted or not self.size:
            return
        if self._painted.size != self.size:
            self._rebuild()
            self.refresh()
            return
        cursor = self._cursor - self._top + 1
        regions, done = self._painted.update(
            self._compose_lines(),
            self._keys_in_view(),
            self._styles()["base"],
            {0, cursor, self._cursor_line},
            paint_budget(self.app),
        )
        self._cursor_line = cursor
        if regions:
            self.refresh(*regions)
        if not done and not self._slicing:
            self._slicing = True
            self.set_timer(LOOK_EVERY_S, self._go_on)

    def _go_on(self) -> None:
        """Paint the next slice, of what is true by now."""
        self._slicing = False
        self._repaint()

    def _keys_in_view(self) -> list[Key]:
        keys: list[Key] = [None]
        keys += [(row.key,) for row in self._rows[self._top : self._top + self._height]]
        return (keys + [None] * (self.size.height - len(keys)))[: self.size.height]

    def _rebuild(self) -> None:
        self._painted.rebuild(self.size, self._compose_lines(), self._keys_in_view(), self._styles()["base"])

    def render_line(self, y: int) -> Strip:
        """A line of the screen. After a change of size the lines are made anew here, whoever asks first."""
        if self._painted.size != self.size:
            self._rebuild()
        strips = self._painted.strips
        return strips[y] if y < len(strips) else Strip.blank(self.size.width, self._styles()["base"])

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are: there is no border, padding or tint that Textual would have to add, and its
        way through all of them costs more than the lines themselves.
        """
        self.render_line(crop.y)
        strips = self._painted.strips[crop.y : crop.bottom]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render(self) -> Any:
        """Nothing: the table is drawn line by line."""
        return Content("")
