"""One item of the check-up in full: on a small screen its table has room for a word of it only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from pgscope.analysis.doctor import Item
from pgscope.analysis.snapshot import Snapshot
from pgscope.tui.details.reader import FactBlock, Reader
from pgscope.tui.facts import Hanging
from pgscope.tui.frame import COPY_SHOWN, Frame
from pgscope.tui.glyphs import Signs


def facts_of(item: Item, signs: Signs) -> list[Hanging]:
    """What was found, why it matters, and what mends it."""
    return [
        Hanging("found", signs.text(item.found), 8),
        Hanging("why", signs.text(item.why), 8),
        Hanging("mend", signs.text(item.statement) or "nothing to do", 8),
    ]


class ItemScreen(Frame):
    """An item as it was found; it does not change."""

    HELP = (
        "One item of the check-up: what was found on this server, why it matters, and the statement that "
        "mends it. pgscope never runs it: y copies it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY_SHOWN, tooltip="Copy the statement that mends the item"),
    ]

    def __init__(self, item: Item) -> None:
        super().__init__()
        self._item = item

    def crumbs(self) -> tuple[str, ...]:
        return ("Doctor", self._item.name)

    def compose_body(self) -> Iterable[Widget]:
        with Reader():
            yield FactBlock()

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - nothing of it is polled
        self.query_one(FactBlock).show_facts(facts_of(self._item, self.stage.status.signs))

    def key_word(self, action: str) -> str | None:
        return "" if action == "doctor" else super().key_word(action)

    def copied(self) -> str:
        return self._item.statement
