"""`C`: which columns the table in hand shows, in which order and how wide; kept for the next time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pgscope.config import ColumnChoice
from pgscope.config.columns import WIDEST
from pgscope.tui.glyphs import Signs
from pgscope.tui.keyline import KeyLine
from pgscope.tui.table import Column, LiveTable, Row
from pgscope.tui.tones import styled

_WAYS_OUT = "  Enter keeps them for the next time, Esc leaves them as they were"
_FOOTER = 76
"""Cells that the keys need."""

_LIST = (
    Column("shown", "shown", width=5, fixed=True, sortable=False),
    Column("title", "column", min_width=8, max_width=14, weight=1, sortable=False, priority=9),
    Column("width", "width", width=5, justify="right", sortable=False, priority=8),
    Column("what", "what it says", min_width=10, weight=4, sortable=False),
)


class _List(LiveTable):
    """Without the keys that say nothing here."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No order of its own, and nothing to open."""
        if action in ("open", "sort_next", "sort_reverse", "sideways"):
            return False
        return super().check_action(action, parameters)


class ColumnsScreen(ModalScreen[bool]):
    """Lists the columns; what is changed shows at once in the table behind. `changed` gets the choice.

    It gives whether the choice is to be kept, or else taken back.
    """

    DEFAULT_CSS: ClassVar[str] = """
    ColumnsScreen { align: right middle; background: $background 30%; }
    ColumnsScreen > Vertical { height: 80%; background: $surface; }
    ColumnsScreen .columns--title { height: 1; padding: 0 1; }
    ColumnsScreen LiveTable { height: 1fr; }
    ColumnsScreen KeyLine { dock: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,x", "turn", "Show", tooltip="Show or hide the column", id="columns.turn"),
        Binding("enter,C", "done(True)", "Keep", tooltip="Keep them for the next time", id="columns.done"),
        Binding("escape,q", "done(False)", "As before", tooltip="As they were", id="columns.leave"),
        Binding("K,shift+up", "shift(-1)", "Left", tooltip="Move the column to the left", id="columns.left"),
        Binding(
            "J,shift+down", "shift(1)", "Right", tooltip="Move the column to the right", id="columns.right"
        ),
        Binding("plus,right,l", "widen(1)", "Wider", tooltip="Make it a cell wider", id="columns.wider"),
        Binding(
            "minus,left,h", "widen(-1)", "Narrower", tooltip="Make it a cell narrower", id="columns.narrower"
        ),
        Binding("a", "own_width", "Auto", tooltip="As wide as it likes to be", id="columns.auto", show=False),
        Binding("r", "reset", "Reset", tooltip="All columns, as they come", id="columns.reset"),
    ]

    def __init__(
        self,
        table: LiveTable,
        chosen: Sequence[ColumnChoice],
        signs: Signs,
        changed: Callable[[Sequence[ColumnChoice]], None],
    ) -> None:
        super().__init__()
        self._columns = {column.key: column for column in table.columns}
        self._others = [choice for choice in chosen if choice.key not in self._columns]
        self._signs = signs
        self._changed = changed
        self._take([choice for choice in chosen if choice.key in self._columns])

    def _take(self, chosen: Sequence[ColumnChoice]) -> None:
        shown = list(chosen) or [ColumnChoice(key) for key in self._columns]
        hidden = [ColumnChoice(key) for key in self._columns if key not in {one.key for one in shown}]
        self._order = [*shown, *hidden]
        self._shown = {one.key for one in shown}

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(
                Content.assemble(
                    styled("Columns", "heading"),
                    styled(_WAYS_OUT, "muted"),
                ),
                classes="columns--title",
            )
            yield _List(_LIST, id="columns")
            yield KeyLine()

    def on_mount(self) -> None:
        self._list()

    def on_resize(self) -> None:
        width = self.size.width
        self.query_one(Vertical).styles.width = min(width, 84, max(_FOOTER, round(width * 0.7)))

    def _list(self) -> None:
        self.query_one(LiveTable).set_rows([self._row(choice) for choice in self._order])

    def _row(self, choice: ColumnChoice) -> Row:
        column, shown = self._columns[choice.key], choice.key in self._shown
        mark = "[x]" if shown else "[ ]"
        width = "auto" if choice.width is None else str(choice.width)
        cells = (mark, self._signs.text(column.title), width, self._signs.text(column.tooltip))
        return Row(key=choice.key, cells=cells, tone="normal" if shown else "muted")

    def _now(self) -> None:
        self._list()
        chosen = [one for one in self._order if one.key in self._shown]
        own = chosen == [ColumnChoice(key) for key in self._columns]
        # What was chosen for another form of the table (since the start, say) stays.
        self._changed([] if own and not self._others else [*chosen, *self._others])

    def _at(self) -> int:
        key = self.query_one(LiveTable).cursor_key
        return next((n for n, one in enumerate(self._order) if one.key == key), 0)

    def action_turn(self) -> None:
        """Show or hide the column; the last one stays."""
        key = self._order[self._at()].key
        if self._shown != {key}:
            self._shown ^= {key}
            self._now()

    def action_shift(self, places: int) -> None:
        """Move the column."""
        at = self._at()
        to = at + places
        if 0 <= to < len(self._order):
            moved = self._order.pop(at)
            self._order.insert(to, moved)
            self._now()
            self.query_one(LiveTable).move_to_key(moved.key)

    def action_widen(self, cells: int) -> None:
        """Make the column wider or narrower."""
        at = self._at()
        choice = self._order[at]
        now = self._columns[choice.key].least if choice.width is None else choice.width
        self._order[at] = ColumnChoice(choice.key, max(1, min(WIDEST, now + cells)))
        self._now()

    def action_own_width(self) -> None:
        """Leave the width to the table."""
        at = self._at()
        self._order[at] = ColumnChoice(self._order[at].key)
        self._now()

    def action_done(self, keep: bool) -> None:
        """Back to the table."""
        self.dismiss(keep)

    def action_reset(self) -> None:
        """All columns, as they come."""
        self._others = []
        self._take([])
        self._now()
