"""Tasks that lose a cancellation still end."""

from __future__ import annotations

import asyncio

import pytest

from pgscope.ending import end, within


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


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_meets_the_answer_is_not_lost(turns: int) -> None:
    """However many turns of the loop lie between the answer and the cancellation."""
    said = asyncio.get_running_loop().create_future()

    async def answer() -> int:
        await said
        return 1

    task = asyncio.create_task(within(60, answer()))
    for _ in range(3):
        await asyncio.sleep(0)
    said.set_result(None)
    for _ in range(turns):
        await asyncio.sleep(0)
    if task.cancel():
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert await task == 1


async def test_an_answer_that_does_not_come_is_given_up_and_ended() -> None:
    ended = False

    async def never() -> None:
        nonlocal ended
        try:
            await asyncio.sleep(600)
        finally:
            ended = True

    with pytest.raises(asyncio.TimeoutError):
        await within(0.01, never())
    assert ended


async def test_that_an_answer_is_late_is_told_once_and_not_of_one_that_came() -> None:
    told: list[float] = []
    said = asyncio.get_running_loop().create_future()

    async def answer() -> int:
        return int(await said)

    def tell(seconds: float) -> None:
        told.append(seconds)
        said.set_result(7)

    assert await within(60, answer(), quiet=0.01, tell=tell) == 7
    assert told == [0.01]
    assert await within(60, answer(), quiet=30.0, tell=told.append) == 7
    assert told == [0.01]
    said = asyncio.get_running_loop().create_future()
    with pytest.raises(asyncio.TimeoutError):
        await within(0.02, answer(), quiet=0.01, tell=told.append)
    assert told == [0.01, 0.01]
