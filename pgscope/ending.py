"""Ending tasks for sure: before Python 3.12 `asyncio.wait_for` loses a cancellation that meets a result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")

_AGAIN = 1.0
"""Seconds until a task that did not end is cancelled again."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks, again if need be, until all have ended; what they raise is dropped."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)


async def within(
    seconds: float,
    answer: Coroutine[Any, Any, _T],
    *,
    quiet: float = 0.0,
    tell: Callable[[float], None] | None = None,
) -> _T:
    """The answer, as `asyncio.wait_for` gives it, but with no cancellation lost.

    `tell` is called, with `quiet`, if it has not come after so many of the seconds.
    Raises asyncio.TimeoutError if it does not come in time.
    """
    task = asyncio.ensure_future(answer)
    try:
        if tell is not None:
            await asyncio.wait({task}, timeout=quiet)
            if not task.done():
                tell(quiet)
        if not task.done():
            await asyncio.wait({task}, timeout=seconds - quiet)
        if not task.done():
            raise asyncio.TimeoutError
        return task.result()
    finally:
        if not task.done():
            await end(task)
