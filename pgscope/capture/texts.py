"""Texts of statements that were not read yet: here, or where they can be read."""

from __future__ import annotations

import time
from collections.abc import Callable

from pgscope.capture.charge import Meter
from pgscope.capture.errands import Errands
from pgscope.capture.lost import ANSWER
from pgscope.capture.pace import TextPace
from pgscope.ending import within
from pgscope.packed import Texts
from pgscope.server.batch import Failure
from pgscope.server.connection import Connection
from pgscope.server.elsewhere import places
from pgscope.server.sense import sensible
from pgscope.server.statements import StatementReader

_AGAIN = 10.0
"""Seconds after a read that was cancelled or ran out of something until the next."""
_AGAIN_FOR_GOOD = 60.0
"""The same after one that failed for another reason."""


class NewTexts:
    """Reads them as often as that is cheap: the server reads its whole text file for it."""

    def __init__(
        self,
        connection: Connection,
        reader: StatementReader,
        errands: Errands,
        meter: Meter,
        take: Callable[[Texts], None],
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._errands = errands
        self._meter = meter
        self._take = take
        self._pace = TextPace()
        self._due = 0.0

    async def read(self, now: float) -> None:
        """Read them if there are any, and it is time for that; `now` is mono.

        Raises ConnectionFailed, or one of `LOST`, if the connection is lost.
        """
        reader = self._reader
        unseen = reader.unseen()
        if not unseen or now < self._due:
            return
        started = time.monotonic()
        with sensible():
            await within(ANSWER, reader.texts(self._connection, unseen, self._take))
            if reader.unconvertible:
                where = await within(ANSWER, places(self._connection))
                if where:
                    self._errands.texts_elsewhere(reader, where, self._take)
                else:
                    reader.give_up()
        cost_ms = self._meter.charge("texts", (time.monotonic() - started) * 1000.0)
        self._due = now + max(self._pace.read(cost_ms / 1000.0), _until_again(reader.failure))


def _until_again(failure: Failure | None) -> float:
    """Seconds until texts may be read again after a read that failed so; 0 after one that did not."""
    if failure is None:
        return 0.0
    return _AGAIN if failure.passing else _AGAIN_FOR_GOOD
