"""Ending tasks for sure: before Python 3.12 `asyncio.wait_for` loses a cancellation that meets a result."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
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


async def within(seconds: float, answer: Awaitable[_T]) -> _T:
    """Wait for an answer; raises asyncio.TimeoutError if there is none after so many seconds."""
    if sys.version_info >= (3, 11):
        # Not as a task of its own: ten times a second that counts.
        async with asyncio.timeout(seconds):
            return await answer
    return await asyncio.wait_for(answer, seconds)
