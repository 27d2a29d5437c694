"""Behind a balancer others come up and go down: pgscope stays with the server that it is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pgscope.capture import leaving
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Connected, Disconnected, Poll
from tests.conftest import FreshServer
from tests.streams import streaming

STARTING = "the database system is starting up"
IN_GERMAN = "das Datenbanksystem fährt hoch"
CLOSING = "the database system is shutting down"


class Balancer:
    """A door that leads to one of several servers, or to one that says that it cannot let anybody in."""

    def __init__(self, *servers: EmbeddedServer) -> None:
        self.sockets = [str(one.socket_dir / f".s.PGSQL.{one.port}") for one in servers]
        self.says = ""
        """What new sessions are told; '' lets them in."""
        self.knocks = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one new session."""
        self.knocks += 1
        if self.says:
            body = f"SFATAL\0VFATAL\0C57P03\0M{self.says}\0\0".encode()
            await reader.read(1)
            writer.write(b"E" + struct.pack("!i", len(body) + 4) + body)
            await writer.drain()
            writer.close()
            return
        there, back = await asyncio.open_unix_connection(self.sockets[self.knocks % len(self.sockets)])
        await asyncio.gather(_carry(reader, back), _carry(there, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def balanced(*servers: EmbeddedServer) -> AsyncIterator[tuple[Balancer, str]]:
    """A balancer and the conninfo that leads to it."""
    one = Balancer(*servers)
    listening = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield (
            one,
            f"host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=disable gssencmode=disable",
        )
    finally:
        listening.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Knock ten times a second."""
    for name in ("_FIRST", "_EVERY", "_EVERY_REFUSED", "_AGAIN"):
        monkeypatch.setattr(leaving, name, 0.1)


@pytest.mark.one_major("what others behind a balancer say is made up here")
@pytest.mark.parametrize("says", [STARTING, IN_GERMAN, CLOSING])
async def test_another_server_that_lets_nobody_in_is_none_of_ours(
    pg: EmbeddedServer, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so with the code that the own server would have while it is shut down."""
    monkeypatch.setattr(leaving, "_FIRST", 1.0)
    async with balanced(pg) as (door, conninfo), streaming(conninfo, sample_hz=0.0) as stream:
        await stream.more(Poll, 2)
        door.says = says
        knocks = door.knocks
        await stream.until(lambda: door.knocks >= knocks + 8, "knocks")
        await stream.more(Poll, 3)
        assert stream.count(Connected) == 1 and not stream.count(Disconnected)


@pytest.mark.one_major("what the door says is made up here")
async def test_a_server_that_is_known_again_is_believed_once_it_says_so_twice(pg: EmbeddedServer) -> None:
    async with balanced(pg) as (door, conninfo), streaming(conninfo, sample_hz=0.0) as stream:
        await stream.more(Poll, 2)
        await stream.until(lambda: door.knocks >= 5, "knocks that were opened")
        door.says = STARTING
        knocks = door.knocks
        await stream.until(lambda: door.knocks >= knocks + 6, "knocks")
        assert not stream.count(Disconnected), "the own server cannot be starting"
        door.says = CLOSING
        await stream.until(lambda: "is being shut down" in stream.snapshot.link.reason, "that it leaves")


@pytest.mark.one_major("that a knock tells servers apart is tested with the knock itself")
async def test_where_knocks_are_opened_by_another_server_there_are_no_more_of_them(
    pg: EmbeddedServer, pg_major: int, fresh_pg: FreshServer
) -> None:
    async with (
        balanced(pg, fresh_pg(pg_major)) as (door, conninfo),
        streaming(conninfo, sample_hz=0.0) as stream,
    ):
        await stream.more(Poll, 2)
        await stream.until(lambda: door.knocks >= 2, "a knock")
        knocks = door.knocks
        await asyncio.sleep(1.0)
        assert door.knocks == knocks
        assert stream.count(Connected) == 1 and not stream.count(Disconnected)
