"""The columns that someone chose: in force at once, kept in the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pgscope.config import ColumnChoice, Config, keep_columns


class KeptColumns:
    """Choices by the name of a table, as the file has them and as they were changed since."""

    def __init__(self, config: Config) -> None:
        self._choices = dict(config.columns)
        self._writing = asyncio.Lock()

    @property
    def choices(self) -> Mapping[str, Sequence[ColumnChoice]]:
        """What holds now."""
        return self._choices

    def change(self, table: str, chosen: Sequence[ColumnChoice]) -> bool:
        """Show these columns in a table; none: as they come. Whether that changes anything."""
        if tuple(chosen) == self._choices.get(table, ()):
            return False
        if chosen:
            self._choices[table] = tuple(chosen)
        else:
            self._choices.pop(table, None)
        return True

    async def keep(self, table: str) -> None:
        """Bring the file up to what holds now for one table. Raises ConfigError."""
        async with self._writing:
            await asyncio.to_thread(keep_columns, table, self._choices.get(table))
