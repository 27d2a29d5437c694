"""Looking a server's set-up over, once, on a connection of its own."""

from __future__ import annotations

import psycopg

from pgscope.errors import ConnectionFailed
from pgscope.sample import Checkup
from pgscope.server.connection import answered, connect
from pgscope.server.conninfo import Target
from pgscope.server.sense import sensible
from pgscope.text import clean, one_line

_ANSWER = 30.0
"""Seconds that it may take."""


async def check_up(target: Target) -> Checkup:
    """What `pgscope doctor` asks a server. Raises ConnectionFailed (PasswordNeeded)."""
    from pgscope.server.doctor import examine

    connection = await connect(target)
    try:
        with sensible():
            return await answered(target, examine(connection), _ANSWER)
    except psycopg.Error as error:
        raise ConnectionFailed(f"the server stopped answering: {one_line(clean(str(error)))}") from None
    finally:
        await connection.close()


class Checking:
    """Does it for the screen, as often as someone asks."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def check_up(self) -> Checkup:
        """Look the server over now. Raises ConnectionFailed."""
        return await check_up(self._target)
