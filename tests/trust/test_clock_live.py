"""Clocks that are stepped, or differ by an hour, while a real server is watched."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psycopg
import pytest

from pgscope.analysis.activity import state_age, statement_age, transaction_age
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.embedded import EmbeddedServer
from pgscope.report import render
from pgscope.sample import Connected, Disconnected, Poll, Sample
from tests.locks.scene import Client
from tests.streams import Stream, streaming

HOUR = 3600.0
SOON = 90.0
"""Seconds that no age in these tests reaches, on however slow a machine; far from an hour."""


class Situation:
    """A session that holds a lock, one that waits for it, and one that works a little when told to."""

    def __init__(self, conninfo: str) -> None:
        self.clients = [psycopg.connect(conninfo, autocommit=True) for _ in range(2)]
        self.waiter = Client(conninfo, "t_waits")
        holder, _ = self.clients
        holder.execute("drop table if exists t_clock; create table t_clock (id int)")
        holder.execute("begin; lock table t_clock")
        self.waiter.send("select from t_clock")

    async def work(self, calls: int = 50) -> None:
        def run() -> None:
            for _ in range(calls):
                self.clients[1].execute("select 'x' as t_clock_work")

        await asyncio.to_thread(run)

    def close(self) -> None:
        self.clients[0].execute("rollback")
        self.waiter.finish()
        self.waiter.close()
        for one in self.clients:
            one.close()


def check(stream: Stream, waits: bool = True) -> None:
    """Ages and waits as they are, and no rate that was never there."""
    shown = stream.snapshot
    for session in shown.sessions:
        if session.is_client:
            for age in (state_age, statement_age, transaction_age):
                assert 0.0 <= (age(session, shown.at) or 0.0) < SOON, session
    if waits:
        assert shown.locks.nodes
        for start in shown.wait_starts.values():
            assert 0.0 <= shown.at - start < SOON
    assert all(0.0 <= row.rates.calls < 20_000 for row in shown.statements.values())
    assert render(stream.watch, "text")


async def some(stream: Stream, situation: Situation) -> None:
    """Some polls, with some work, each looked at."""
    for _ in range(4):
        await situation.work()
        await stream.more(Poll)
        await stream.until(lambda: stream.snapshot.locks.nodes, "the wait")
        check(stream)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_our_clock_is_another_and_is_stepped(
    ahead: float, pg18: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, step = time.time, [ahead]
    monkeypatch.setattr("time.time", lambda: real() + step[0])
    situation = Situation(pg18.conninfo)
    try:
        async with streaming(pg18.conninfo) as stream:
            await stream.more(Poll, 2)
            await some(stream, situation)
            step[0] = -ahead
            await some(stream, situation)
            made = stream.count(Connected)
            situation.clients[1].execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgscope'"
            )
            await stream.until(lambda: stream.count(Connected) > made, "the connection again")
            assert stream.count(Disconnected)
            await some(stream, situation)
            now = real()
            assert abs(stream.snapshot.link.since - now) < SOON
            for one in stream.samples:
                assert abs(one.at - now) < SOON, "all times are by the server's clock"
            samples = list(stream.samples)
    finally:
        situation.close()
    _plays(samples, tmp_path / "a.rec")


def _plays(samples: list[Sample], path: Path) -> None:
    """A recording of it can be cut at any time."""
    file = RecordingFile(path)
    for one in samples:
        file.write(one)
    file.close()
    recording = Recording.open(path)
    polls = [one.at for one in samples if isinstance(one, Poll)]
    half = polls[len(polls) // 2] + 0.001
    read = [one.at for one in recording.samples(until=half) if isinstance(one, Poll)]
    assert len(read) == sum(at <= half for at in polls)
    assert not recording.damage
    recording.close()
