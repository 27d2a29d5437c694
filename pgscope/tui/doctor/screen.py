"""`D`: what of the server's set-up keeps it from being observed, and the statements that mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.doctor import Item, diagnose
from pgscope.analysis.filter import Getters
from pgscope.analysis.snapshot import Snapshot
from pgscope.capture.checking import Checking
from pgscope.errors import PgscopeError
from pgscope.text import clean, one_line
from pgscope.tui.details.reader import FactBlock
from pgscope.tui.doctor.item import ItemScreen, facts_of
from pgscope.tui.frame import COPY, Frame
from pgscope.tui.glyphs import Signs
from pgscope.tui.table import Cell, Column, LiveTable, Row

COLUMNS = (
    Column("item", "item", min_width=20, max_width=35, weight=9, fixed=True, priority=99),
    Column("status", "status", width=8, priority=98, tooltip="mend: could be better; ok: is well"),
    Column("found", "found", min_width=12, weight=3, priority=90, tooltip="How it is on this server"),
    Column("why", "why it matters", min_width=30, weight=3, priority=50),
)
_GETTERS: Getters[Item] = {
    "": lambda item: (item.name, item.found, item.why, item.statement),
    "state": lambda item: _word(item),
    "query": lambda item: item.statement,
}


class DoctorScreen(Frame):
    """What `pgscope doctor` prints, looked at anew whenever someone asks."""

    HELP = (
        "What of the server's set-up keeps it from being observed well: what was found, why it matters, and "
        "the statement that mends it, what matters most first. pgscope never runs these statements: y copies "
        "the one under the cursor.\n"
        "Enter shows an item in full, r looks again.\n"
        "`pgscope doctor` prints the same, for scripts with --format json."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Again", tooltip="Look the server over again", id="doctor.again", show=False),
        Binding(
            COPY.key,
            COPY.action,
            "Copy",
            tooltip="Copy the statement that mends the item",
            id="doctor.copy",
        ),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    DoctorScreen FactBlock { height: 6; padding: 0 1; background: $surface; }
    DoctorScreen.-low FactBlock { display: none; }
    """

    def __init__(self, checking: Checking) -> None:
        super().__init__()
        self._checking = checking
        self._items: Sequence[Item] = ()
        self._said = "Looking the server over"
        self._shown = (0, 0)

    def crumbs(self) -> tuple[str, ...]:
        return ("Doctor",)

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(COLUMNS, sort="status", id="doctor", placeholder=self._said)
        yield FactBlock(id="doctor-item")

    def on_mount(self) -> None:
        super().on_mount()
        self.action_again()

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - nothing of it is polled
        status = self.stage.status
        chosen = status.filter.select(self._items, _GETTERS)
        self._shown = (len(chosen), len(self._items))
        rows = [_row(item, place, status.signs) for place, item in enumerate(chosen)]
        self.fill(self.query_one(LiveTable), rows, self._said)
        self._show_item()

    def _show_item(self) -> None:
        item, signs = self._current(), self.stage.status.signs
        block = self.query_one(FactBlock)
        if item is None:
            block.show_facts([])
            return
        block.show_facts(facts_of(item, signs))

    def _current(self) -> Item | None:
        key = self.query_one(LiveTable).cursor_key
        return next((item for item in self._items if item.name == key), None)

    def remark(self) -> Content:
        wrong = sum(not item.ok for item in self._items)
        return self.counted(self._shown, f"{wrong} could be better" if wrong else "")

    def key_word(self, action: str) -> str | None:
        return "" if action == "doctor" else super().key_word(action)

    def copied(self) -> str:
        item = self._current()
        return item.statement if item is not None else ""

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        self._show_item()

    @on(LiveTable.Opened)
    def _open(self) -> None:
        if (item := self._current()) is not None:
            self.app.push_screen(ItemScreen(item))

    def action_again(self) -> None:
        """Look the server over again."""
        self._look()

    @work(exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            self._items = diagnose(await self._checking.check_up())
            self._said = "Nothing to check"
        except PgscopeError as error:
            self._items, self._said = (), one_line(clean(str(error)))
        self.paint()


def _word(item: Item) -> str:
    return "ok" if item.ok else "mend"


def _row(item: Item, place: int, signs: Signs) -> Row:
    sign = "" if item.ok else f"{signs.notice} "
    cells = (
        signs.text(item.name),
        Cell(sign + _word(item), "good" if item.ok else "warn"),
        signs.text(item.found),
        signs.text(item.why),
    )
    return Row(
        key=item.name,
        cells=cells,
        sort_values=(item.name, (item.ok, place), item.found, item.why),
        tone="muted" if item.ok else "normal",
    )
