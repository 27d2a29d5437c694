"""What the table tells its screen."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from pgscope.tui.table.widget import LiveTable


class TableMessage(Message):
    """Something happened in a table."""

    def __init__(self, table: LiveTable) -> None:
        self.table = table
        super().__init__()

    @property
    def control(self) -> LiveTable:
        """The table that sent the message."""
        return self.table


class Highlighted(TableMessage, namespace="live_table"):
    """The cursor came to stand on another row; None when the table is empty."""

    def __init__(self, table: LiveTable, row_key: Hashable | None) -> None:
        self.row_key = row_key
        super().__init__(table)

    def can_replace(self, message: Message) -> bool:
        """Only the latest position matters."""
        return isinstance(message, Highlighted) and message.table is self.table


class Opened(TableMessage, namespace="live_table"):
    """A row was chosen: Enter, or a second click."""

    def __init__(self, table: LiveTable, row_key: Hashable) -> None:
        self.row_key = row_key
        super().__init__(table)


class SortChanged(TableMessage, namespace="live_table"):
    """Someone chose another order."""

    def __init__(self, table: LiveTable, column_key: str, descending: bool) -> None:
        self.column_key = column_key
        self.descending = descending
        super().__init__(table)
