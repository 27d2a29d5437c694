"""A server whose answers make no sense: told and gone on from, and nothing of them obeyed."""

from __future__ import annotations

import asyncio
import re
import struct
from dataclasses import replace

import psycopg
import pytest

from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Disconnected, Look, Poll, Sample
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.facts import NEWEST, learn
from pgscope.server.names import NameBook
from pgscope.server.statements import StatementReader
from tests.hurried_child import HURRIED
from tests.streams import streaming
from tests.trust.garbler import Garbler, garbling
from tests.trust.test_hostile_server import check
from tests.trust.test_hostile_terminal import SEQUENCE
from tests.tui.terminal import Terminal

ENOUGH = 30
"""Rows spoilt."""


async def test_answers_without_sense(pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of any length and bytes, NULL where there is none, notices and parameters nobody asked for."""
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)
    monkeypatch.setattr("pgscope.capture.live._LEARN_EVERY", 0.5)
    samples: list[Sample] = []

    def told() -> bool:
        return any("makes no sense" in one.reason for one in samples if isinstance(one, Disconnected))

    async def more(kind: type[Sample], number: int) -> None:
        seen = len(samples)
        while sum(isinstance(one, kind) for one in samples[seen:]) < number:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.02)

    async with garbling(pg, 1) as garbler:
        source = LiveSource(target(garbler.conninfo), interval=0.1, budget=1.0)
        running = asyncio.create_task(source.run(samples.append))
        try:
            await more(Poll, 3)
            with psycopg.connect(pg.conninfo, autocommit=True) as client:
                # Long texts that other tests left would be read for minutes.
                client.execute("select pg_stat_statements_reset()")
                garbler.one_in = 20
                while garbler.spoilt < ENOUGH or not told():
                    client.execute("select 'x' as t_garbled")
                    await asyncio.sleep(0.01)
                    assert not running.done(), running.exception()
            garbler.one_in = 0
            await more(Poll, 3)
            await more(Look, 3)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    check(samples)


async def test_a_major_that_is_not_known_yet_works_with_a_warning(pg18: EmbeddedServer) -> None:
    """A server of today that says it is one of tomorrow: the newest, for what is asked of it is as new."""
    with psycopg.connect(pg18.conninfo, autocommit=True, application_name="t-tomorrow") as client:
        client.execute("select pg_stat_statements_reset()")
        today, tomorrow = client.info.server_version, (NEWEST + 1) * 10_000
        async with garbling(pg18, 0) as garbler:
            # Of the same length, so that the rows stay what they are.
            garbler.instead = (struct.pack("!ii", 4, today), struct.pack("!ii", 4, tomorrow))
            async with streaming(garbler.conninfo) as stream:

                def counted() -> bool:
                    client.execute("select 1 as t_tomorrow")
                    rows = stream.snapshot.statements.values()
                    return any("t_tomorrow" in row.query and row.rates.calls > 0 for row in rows)

                await stream.until(counted, "its statements")
                await stream.more(Look, 3)
                assert stream.snapshot.facts is not None
                assert stream.snapshot.facts.major == NEWEST + 1
                (notice,) = stream.snapshot.notices
                assert f"newer than pgscope knows ({NEWEST})" in notice
                assert any(one.application_name == "t-tomorrow" for one in stream.snapshot.sessions)


@pytest.mark.one_major("what is asked and answered wrongly is tested on each above; here it is the terminal")
async def test_the_screen_stays(pg: EmbeddedServer) -> None:
    """Through all views of a real terminal, one row in six spoilt: nothing of it reaches the terminal."""

    def lead(garbler: Garbler) -> Terminal:
        python, child = HURRIED
        options = ("--interval", "0.2", "--budget", "100")
        with Terminal(
            child, "connect", garbler.conninfo, *options, columns=120, rows=30, program=python
        ) as terminal:
            terminal.until("1 Applications")
            garbler.one_in = 6
            for key in "2", "\r", "\x1b", "3", "\r", "e", "\x1b", "\x1b", "4", "D", "\x1b", "5", "6", "1":
                before = garbler.spoilt
                terminal.press(key)
                terminal.until(lambda before=before: garbler.spoilt > before + 2)  # type: ignore[misc]
            garbler.one_in = 0
            terminal.press("\x11")
            assert terminal.ended() == 0, terminal.text
            return terminal

    async with garbling(pg, 12) as garbler:
        terminal = await asyncio.to_thread(lead, garbler)
    output = terminal.bytes.decode("utf-8")
    assert "owned" not in "".join(re.findall(r"\x1b\][^\x07\x1b]*", output))
    assert not re.search(r"\x1b\]52|\x1bP", output)
    rest = SEQUENCE.sub("", output)
    assert {char for char in rest if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0} <= {"\r", "\n", "\x0f"}
    assert not re.search("[\u202e\u200b\ufeff]|\u0301{4}", rest)


@pytest.mark.parametrize("place", [-1, 0, 10_001, 1 << 31, (1 << 63) - 1])
async def test_an_entry_at_a_place_that_cannot_be_takes_no_memory(pg: EmbeddedServer, place: int) -> None:
    connection = await connect(target(pg.conninfo))
    try:
        facts = replace(await learn(connection), statements_max=5000)
        reader = StatementReader(facts, NameBook())
        row = (10, 5, 1, True, 1, 1, 1.0, 1.0, 0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, None)
        with pytest.raises(ValueError, match=r"pg_stat_statements\.max"):
            reader.counters([(place, *row)])
        assert len(reader) == 0
        assert len(reader.counters([(1, *row)])) == 1
    finally:
        await connection.close()
