"""Ending tasks for sure: before Python 3.12 `asyncio.wait_for` loses a cancellation that meets a result."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
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


async def within(seconds: float, answer: Coroutine[Any, Any, _T]) -> _T:
    """The answer, as `asyncio.wait_for` gives it, but with no cancellation lost.

    Raises asyncio.TimeoutError if it does not come in time.
    """
    task = asyncio.ensure_future(answer)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise asyncio.TimeoutError
        return task.result()
    finally:
        if not task.done():
            await end(task)
