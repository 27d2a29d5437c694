"""Connecting to several servers at once: all are tried together, and one that is down harms no other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from pgscope.capture.live import LiveSource
from pgscope.cli.password import open_asking
from pgscope.ending import end
from pgscope.errors import ConnectionFailed, PgscopeError, UsageError
from pgscope.server.connection import PasswordNeeded

_OTHERS_WAIT = 3.0
"""Seconds that the rest are waited for once one has answered; the screen goes on trying."""


def names(sources: Sequence[tuple[str, LiveSource]]) -> list[str]:
    """A name for each source: its title, or what it was told to connect to; no two the same."""
    found = [title or _short(source) for title, source in sources]
    seen: Counter[str] = Counter()
    made = []
    for name in found:
        seen[name] += 1
        made.append(f"{name} #{seen[name]}" if found.count(name) > 1 else name)
    return made


def _short(source: LiveSource) -> str:
    """`database@host:port` as far as these were given; a database alone is said to be one."""
    params = source.target.params
    host, port, database = (params.get(key, "") for key in ("host", "port", "dbname"))
    if not (host or port):
        return f"{database} (database)" if database else str(source.target)
    # The folder of a socket says little and is long; the port tells servers apart.
    place = "local" if not host or host.startswith(("/", "@")) else host
    return (f"{database}@" if database else "") + place + (f":{port}" if port else "")


async def open_all(sources: Sequence[LiveSource], titles: Sequence[str], *, ask: bool) -> None:
    """Open what can be opened; passwords are asked for one after the other. Raises ConnectionFailed
    if no server answers, UsageError.
    """
    opening = {asyncio.create_task(open_asking(source, ask=False)): source for source in sources}
    errors: dict[LiveSource, PgscopeError] = {}
    waiting = set(opening)
    answered = False
    while waiting:
        done, waiting = await asyncio.wait(
            waiting,
            timeout=_OTHERS_WAIT if answered else None,
            return_when=asyncio.ALL_COMPLETED if answered else asyncio.FIRST_COMPLETED,
        )
        for task in done:
            error = task.exception()
            if error is None:
                answered = True
            elif isinstance(error, PgscopeError) and not isinstance(error, UsageError):
                errors[opening[task]] = error
            else:
                await end(*waiting)
                raise error
        if answered and not done:
            break
    await end(*waiting)
    for source, error in list(errors.items()):
        if isinstance(error, PasswordNeeded):
            try:
                await open_asking(source, ask=ask)
                answered = True
            except PgscopeError as still:
                errors[source] = still
    if not answered:
        whys = "; ".join(f"{title}: {errors[source]}" for title, source in zip(titles, sources, strict=True))
        raise ConnectionFailed(f"none of the {len(sources)} servers answers: {whys}")
