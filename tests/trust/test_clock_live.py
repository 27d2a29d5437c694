"""Clocks that are stepped, or differ by an hour, while a real server is watched."""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgscope.analysis.activity import state_age, statement_age, transaction_age
from pgscope.capture.recording.recording import Recording
from pgscope.embedded import EmbeddedServer
from pgscope.report import render
from pgscope.sample import Connected, Disconnected, Poll, Sample
from tests.conftest import FreshServer
from tests.locks.scene import Client
from tests.streams import Stream, streaming
from tests.tui.samples import recorded

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
    ahead: float, pg: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)
    real, step = time.time, [ahead]
    monkeypatch.setattr("time.time", lambda: real() + step[0])
    situation = Situation(pg.conninfo)
    try:
        async with streaming(pg.conninfo) as stream:
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
    recorded(path, samples)
    recording = Recording.open(path)
    polls = [one.at for one in samples if isinstance(one, Poll)]
    half = polls[len(polls) // 2] + 0.001
    read = [one.at for one in recording.samples(until=half) if isinstance(one, Poll)]
    assert len(read) == sum(at <= half for at in polls)
    assert not recording.damage
    recording.close()


@pytest.fixture(scope="module")
def steps() -> Iterator[tuple[Path, Path]]:
    """A library that steps the clock of who loads it, and the file that says by how much."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or no Linux: the server's clock cannot be stepped")
    # Where the server's account may read it.
    folder = Path(tempfile.mkdtemp(prefix="pgscope-clock-", dir="/tmp"))
    folder.chmod(0o755)
    library, offset = folder / "step.so", folder / "offset"
    source = Path(__file__).with_name("clock_step.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    offset.write_bytes(struct.pack("q", 0))
    offset.chmod(0o644)
    yield library, offset
    shutil.rmtree(folder)


@pytest.fixture
def stepped_pg(
    fresh_pg: FreshServer, pg_major: int, steps: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> tuple[EmbeddedServer, Callable[[float], None]]:
    """A server whose clock can be stepped: it calls ours in place of the system's."""
    library, offset = steps
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("TEST_CLOCK_STEP", str(offset))
        server = fresh_pg(pg_major)

    def step(seconds: float) -> None:
        with offset.open("r+b") as file:
            file.write(struct.pack("q", int(seconds)))

    return server, step


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_the_servers_clock_is_stepped(
    seconds: float, stepped_pg: tuple[EmbeddedServer, Callable[[float], None]], tmp_path: Path
) -> None:
    server, step = stepped_pg
    situation = Situation(server.conninfo)
    try:
        async with streaming(server.conninfo) as stream:
            await stream.more(Poll, 2)
            await some(stream, situation)
            before = stream.snapshot
            assert before.notices == ()
            step(seconds)
            await stream.until(lambda: abs(stream.snapshot.at - before.at - seconds) < SOON, "the step")
            word = "ahead" if seconds > 0 else "back"
            assert any(f"clock was set {word} by 3," in one for one in stream.snapshot.notices)
            for _ in range(4):
                await situation.work()
                await stream.more(Poll)
                assert stream.snapshot.locks.nodes, "the wait goes on"
                assert all(0.0 <= row.rates.calls < 20_000 for row in stream.snapshot.statements.values())
                (worker,) = [one for one in stream.snapshot.sessions if "t_clock_work" in one.query]
                for age in (state_age, statement_age):
                    assert 0.0 <= (age(worker, stream.snapshot.at) or 0.0) < SOON
            situation.clients[0].execute("rollback")
            await stream.until(lambda: not stream.snapshot.locks.nodes, "the end of the wait")
            assert all(wait.seconds >= 0.0 for wait in stream.watch.locks.window())
            assert render(stream.watch, "html")
            samples = list(stream.samples)
    finally:
        step(0)
        situation.close()
    _plays_through(samples, tmp_path / "a.rec")


def _plays_through(samples: list[Sample], path: Path) -> None:
    recorded(path, samples)
    recording = Recording.open(path)
    assert len(list(recording.samples())) == len(samples)
    assert not recording.damage
    recording.close()
