"""Tasks that lose a cancellation still end."""

from __future__ import annotations

import asyncio

from pgscope.capture.ending import end


async def test_a_lost_cancellation_is_given_again() -> None:
    lost = 0

    async def careless() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost > 1:
                    raise

    task = asyncio.create_task(careless())
    await asyncio.sleep(0)
    await asyncio.wait_for(end(task), 30)
    assert task.cancelled()
    assert lost == 2
