"""A source that gives recorded samples: the same every time, without a server or a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache

from pgscope.capture.source import Emit
from pgscope.sample import Names, Poll, Sample, StatementTexts, Wanted
from tests.tui import samples
from tests.tui.record_shop import FILE


class Recorded:
    """Gives all of a recording at once, then waits for `give`."""

    def __init__(self, taken: Iterable[Sample]) -> None:
        self.interval = 1.0
        self.resting = False
        self.taken = list(taken)
        self.given = 0
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        """Emit what there is; later ones come by `give`."""
        self._emit = emit
        for one in self.taken:
            self.give(one)
        await asyncio.Event().wait()

    def give(self, one: Sample) -> None:
        """Emit one more."""
        assert self._emit is not None
        self.given += 1
        self._emit(one)

    def request(self, wanted: Wanted) -> None:
        """Nothing can be asked of a recording."""


def shop() -> Recorded:
    """The demo's shop, as recorded: the last poll has sessions that wait for a lock."""
    return Recorded(_shop())


@lru_cache
def _shop() -> tuple[Sample, ...]:
    return tuple(samples.read(FILE))


def last_poll(taken: Iterable[Sample]) -> Poll:
    """The last poll of a stream."""
    return [one for one in taken if isinstance(one, Poll)][-1]


def changed(taken: Iterable[Sample], text: Callable[[str], str], name: Callable[[str], str]) -> list[Sample]:
    """The samples with other statement texts and other names."""
    return [_changed(one, text, name) for one in taken]


def _changed(one: Sample, text: Callable[[str], str], name: Callable[[str], str]) -> Sample:
    if isinstance(one, Poll):
        sessions = tuple(
            session._replace(
                application_name=name(session.application_name),
                user=name(session.user),
                database=name(session.database),
                client_addr=name(session.client_addr),
                wait_event=name(session.wait_event),
                query=text(session.query),
            )
            for session in one.sessions
        )
        return Poll(**{**vars(one), "sessions": sessions})
    if isinstance(one, StatementTexts):
        return StatementTexts(one.at, one.mono, {key: text(sql) for key, sql in one.texts.items()})
    if isinstance(one, Names):
        users = {oid: name(user) for oid, user in one.users.items()}
        return Names(one.at, one.mono, users, {oid: name(known) for oid, known in one.databases.items()})
    return one
