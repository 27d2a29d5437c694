"""What the process itself takes: past what it may, looks grow rarer and it says so; then they come back."""

from __future__ import annotations

import asyncio
import time

import pytest

from pgscope.capture.live import LiveSource
from pgscope.capture.thrift import Thrift
from pgscope.embedded import EmbeddedServer
from pgscope.ending import end
from pgscope.sample import OwnCost, Sample
from pgscope.server.conninfo import target

PATIENCE = 60.0


def after(thrift: Thrift, clock: list[float], seconds: float, share: float) -> None:
    """Let time pass in which the process takes this part of a core."""
    for _ in range(round(seconds)):
        clock[0] += 1.0
        clock[1] += share
        thrift.feed(clock[0])


def test_looks_grow_rarer_while_the_process_takes_too_much_and_come_back() -> None:
    clock = [100.0, 7.0]
    one = Thrift(0.03, 0.1, 0.5, spent=lambda: clock[1])
    after(one, clock, 60, 0.02)
    assert one.period == 0.1 and not one.said
    after(one, clock, 60, 0.05)
    assert one.period == 0.5, "no rarer than is still of use"
    assert "2.0 Hz" in one.said and "5.0% of a core" in one.said and "3%" in one.said
    after(one, clock, 60, 0.028)
    assert one.period == 0.5 and one.stretch == 1.0, "near what it may take nothing changes"
    after(one, clock, 120, 0.01)
    assert one.period == 0.1 and not one.said


def test_polls_grow_rarer_where_nothing_else_is_left_to_spare() -> None:
    """Only after a while: what is found rests first. They come back before the looks do."""
    clock = [100.0, 7.0]
    one = Thrift(0.03, 0.1, 0.5, spent=lambda: clock[1])
    after(one, clock, 120, 0.06)
    assert one.period == 0.5 and one.stretch == 1.0
    after(one, clock, 300, 0.06)
    assert 2.0 < one.stretch <= 10.0
    assert "times as rarely" in one.said
    stretched = one.stretch
    after(one, clock, 60, 0.028)
    assert one.stretch == stretched and one.period == 0.5
    after(one, clock, 20, 0.01)
    assert one.stretch < stretched and one.period == 0.5
    after(one, clock, 300, 0.01)
    assert one.stretch == 1.0 and one.period == 0.1 and not one.said


def test_what_it_takes_settles_at_what_it_may() -> None:
    """A process of which half goes with the polls."""
    clock = [100.0, 7.0]
    one = Thrift(0.03, 0.1, 0.5, spent=lambda: clock[1])
    shares = []
    for _ in range(900):
        share = 0.01 + 0.002 / one.period + 0.03 / one.stretch
        after(one, clock, 1, share)
        shares.append(share)
    assert all(0.02 <= share <= 0.03 for share in shares[600:])


def test_the_first_share_is_of_what_came_after_the_start() -> None:
    clock = [100.0, 900.0]
    one = Thrift(0.03, 0.1, 0.5, spent=lambda: clock[1])
    after(one, clock, 30, 0.01)
    assert one.period == 0.1, "imports and the like are over"


@pytest.mark.one_major("what this process takes is not the server's doing")
async def test_a_process_that_takes_too_much_looks_less_often_and_says_so(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.capture.thrift._JUDGED_OVER", 0.2)
    monkeypatch.setattr("pgscope.capture.live._COST_EVERY", 0.5)
    source = LiveSource(target(pg.conninfo), interval=0.2, sample_hz=20.0, budget=10.0, own_budget=1e-6)
    costs: list[OwnCost] = []

    def take(sample: Sample) -> None:
        if isinstance(sample, OwnCost):
            costs.append(sample)

    running = asyncio.create_task(source.run(take))
    try:
        deadline = time.monotonic() + PATIENCE
        while not (costs and costs[-1].sample_hz == 2.0):
            assert time.monotonic() < deadline, costs
            await asyncio.sleep(0.05)
    finally:
        await end(running)
    assert "pgscope itself takes" in costs[-1].throttled
