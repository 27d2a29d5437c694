"""The network between pgscope and the server fails: told, waited for, and gone on from without a spike."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from pgscope.capture import live
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Connected, Disconnected, Look, Poll
from tests.streams import Stream, streaming
from tests.trust.proxy import through


async def busy(server: EmbeddedServer, calls: int) -> None:
    """Calls that would be a spike if they were all taken for the work of one moment."""

    def work() -> None:
        with psycopg.connect(server.conninfo, autocommit=True) as client:
            for _ in range(calls):
                client.execute("select 'x' as t_network")

    await asyncio.to_thread(work)


def most_calls(stream: Stream) -> float:
    """The highest rate shown, in calls a second."""
    return max((row.rates.calls for row in stream.snapshot.statements.values()), default=0.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits in place of half a minute."""
    monkeypatch.setattr(live, "_QUIET", 0.3)
    for room in ("live", "sampling", "lost"):
        monkeypatch.setattr(f"pgscope.capture.{room}.ANSWER", 1.0)
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)


@pytest.mark.usefixtures("impatient")
async def test_a_black_hole(pg: EmbeddedServer) -> None:
    """No reset, no answer: told soon, given up, tried again for as long as it takes."""
    async with through(pg) as proxy, streaming(proxy.conninfo()) as stream:
        await stream.more(Poll, 3)
        proxy.swallow()
        await stream.until(lambda: not stream.snapshot.link.connected, "that no answer comes")
        assert "no answer for" in stream.snapshot.link.reason
        since = stream.snapshot.link.since
        before = proxy.accepted
        await stream.until(lambda: proxy.accepted >= before + 3, "attempts to connect again")
        link = stream.snapshot.link
        assert (link.connected, link.since) == (False, since)
        assert stream.snapshot.sessions, "what was seen last stays on the screen"
        await busy(pg, 3000)
        proxy.flow()
        await stream.more(Connected)
        highest = 0.0
        for _ in range(5):
            await stream.more(Poll)
            highest = max(highest, most_calls(stream))
        assert stream.snapshot.link.connected
        assert highest < 1000
        await stream.more(Look, 3)


@pytest.mark.usefixtures("impatient")
async def test_a_reset(pg: EmbeddedServer) -> None:
    async with through(pg) as proxy, streaming(proxy.conninfo()) as stream:
        await stream.more(Poll, 3)
        for _ in range(2):
            lost = stream.count(Disconnected)
            proxy.cut()
            await stream.until(lambda lost=lost: stream.count(Disconnected) > lost, "the loss")  # type: ignore[misc]
            await stream.more(Connected)
            await stream.more(Poll, 3)
            await stream.more(Look, 3)
        assert stream.snapshot.link.connected


async def test_a_slow_answer_is_told_and_waited_for(
    pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slower than anyone likes, but an answer: the connection is kept."""
    monkeypatch.setattr(live, "_QUIET", 0.3)
    async with through(pg) as proxy, streaming(proxy.conninfo(), sample_hz=0) as stream:
        await stream.more(Poll, 3)
        own = stream.snapshot.facts.own_pids if stream.snapshot.facts else None
        proxy.delay = 0.8
        await stream.until(lambda: not stream.snapshot.link.connected, "that it is slow")
        assert "still waiting" in stream.snapshot.link.reason
        await stream.more(Poll, 2)
        proxy.delay = 0.0
        await stream.until(lambda: stream.snapshot.link.connected, "that it is well again")
        lost = stream.count(Disconnected)
        await stream.more(Poll, 5)
        assert stream.count(Disconnected) <= lost + 1
        assert stream.snapshot.facts is not None
        assert stream.snapshot.facts.own_pids == own, "the same connection"
