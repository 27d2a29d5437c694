"""A guest leaves when the house is being closed: pgscope must not be what a smart shutdown waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pgscope.server.connection import Connection
from pgscope.server.conninfo import Target
from pgscope.server.knock import Door, knock

_EVERY = 15.0
"""Seconds from knock to knock: half of what Kubernetes waits before it kills."""
_EVERY_REFUSED = 120.0
"""The same where knocks are refused, and perhaps logged as failures."""
_COSTS_MS = 4.0
"""Processor time of the server for one more session: 4.0 on 14, 4.3 on 18, by /proc."""
LEAVING = "the server is being shut down; pgscope left, for it would have waited for its sessions"


class Leaving:
    """Knocks at the server's door now and then, and knows when it is time to go."""

    def __init__(self, connection: Connection, target: Target, spent: Callable[[float], None]) -> None:
        """`spent` takes the milliseconds of server time of a knock."""
        self._connection = connection
        self._target = target
        self._spent = spent
        self.due = False
        """Whether the server waits for its sessions to end."""

    async def run(self) -> None:
        """Knock until it is time to go."""
        rest = _EVERY
        while not self.due:
            await asyncio.sleep(rest)
            door = await knock(self._connection, self._target)
            self.due = door is Door.CLOSING
            rest = _EVERY_REFUSED if door is Door.REFUSED else _EVERY
            if door is Door.OPEN:
                self._spent(_COSTS_MS)
