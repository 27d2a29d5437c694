"""A guest leaves when the house is being closed: pgscope must not be what a smart shutdown waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pgscope.server.connection import Connection
from pgscope.server.conninfo import Target
from pgscope.server.knock import Door, knock

_FIRST = 2.0
"""Seconds until the first knock: only where one was opened by this very server others mean anything."""
_EVERY = 15.0
"""Seconds from knock to knock: half of what Kubernetes waits before it kills."""
_AGAIN = 1.0
"""Seconds from a knock that says that the server is closing to the next, which is to say the same."""
_CLOSING = 2
"""Knocks in a row that must say so."""
_EVERY_REFUSED = 120.0
"""The same where knocks are refused, and perhaps logged as failures."""
_COSTS_MS = 4.0
"""Processor time of the server for one more session: 4.0 on 14, 4.3 on 18, by /proc."""
LEAVING = "the server is being shut down; pgscope left, for it would have waited for its sessions"


class Leaving:
    """Knocks at the server's door now and then, and knows when it is time to go."""

    def __init__(
        self,
        connection: Connection,
        target: Target,
        started: float,
        spent: Callable[[float], None],
        go: Callable[[], None],
    ) -> None:
        """`started` is when the server was started (epoch seconds), by which it is known again.

        `spent` takes the milliseconds of server time of a knock; `go` is called when it is time.
        """
        self._connection = connection
        self._target = target
        self._started = started
        self._spent = spent
        self._go = go
        self.due = False
        """Whether the server waits for its sessions to end."""

    async def run(self) -> None:
        """Knock until it is time to go, or until it is known that there are several doors at this address.

        Behind a balancer another server may start or end, and be none of ours.
        """
        rest, closing = _FIRST, 0
        same = self._connection.info.host.startswith("/")
        while not self.due:
            await asyncio.sleep(rest)
            door = await knock(self._connection, self._target, self._started)
            if door is Door.ANOTHER:
                return
            if door is Door.OPEN:
                same = True
                self._spent(_COSTS_MS)
            closing = closing + 1 if door is Door.CLOSING and same else 0
            self.due = closing >= _CLOSING
            rest = _AGAIN if closing else _EVERY_REFUSED if door is Door.REFUSED else _EVERY
        self._go()
