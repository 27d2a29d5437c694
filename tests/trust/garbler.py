"""A way to a real server that spoils what the server says: values, errors, notices and parameters."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from psycopg.conninfo import make_conninfo

from pgscope.embedded import EmbeddedServer

HOSTILE = (
    b"\x1b]52;c;eA==\x07\x1b]0;owned\x07\x1b[2J",
    b"\x00nul\x00",
    b"\xff\xfe\xc3\x28 \xed\xa0\x80",
    "\u202egpj.exe\u200b e".encode() + "\u0301".encode() * 300,
    b"[/][@click=app.quit]x[/] <script>alert(1)</script>",
    b"\r\nover\rwritten\x9b31m",
)
Spoil = Callable[[random.Random, bytes | None], "bytes | None"]


def anything(chance: random.Random, value: bytes | None) -> bytes | None:
    """A value that may have no length, sign or sense left."""
    kind = chance.randrange(5)
    if kind == 0:
        return None
    if kind == 1:
        return chance.choice(HOSTILE)
    if kind == 2 or not value:
        return chance.randbytes(chance.choice((0, 1, 2, 4, 8, 17)))
    if kind == 3:
        return chance.randbytes(len(value))
    return value[: chance.randrange(len(value))]


class Garbler:
    """Forwards to a server, and spoils one row in so many of its answers once it is told to."""

    def __init__(self, server: EmbeddedServer, seed: int) -> None:
        self._path = f"{server.socket_dir}/.s.PGSQL.{server.port}"
        self._chance = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.one_in = 0
        """Rows of which one is spoilt; 0 for none."""
        self.instead: tuple[bytes, bytes] | None = None
        """What to say in place of what, in every row."""
        self.spoilt = 0
        self.port = 0

    @property
    def conninfo(self) -> str:
        return make_conninfo(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname="postgres",
            sslmode="disable",
            gssencmode="disable",
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._path)
        for coroutine in (self._forward(reader, server_writer), self._spoil(server_reader, writer)):
            task = asyncio.create_task(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    async def _spoil(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(5)
                kind, length = struct.unpack("!ci", head)
                body = await reader.readexactly(length - 4)
                if kind == b"D" and self.one_in and not self._chance.randrange(self.one_in):
                    self.spoilt += 1
                    body = self._row(body)
                if kind == b"D" and self.instead is not None:
                    body = body.replace(*self.instead)
                if kind == b"Z" and self.one_in:
                    writer.write(self._aside())
                writer.write(kind + struct.pack("!i", len(body) + 4) + body)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _row(self, body: bytes) -> bytes:
        (count,) = struct.unpack_from("!h", body)
        at, values = 2, []
        for _ in range(count):
            (size,) = struct.unpack_from("!i", body, at)
            at += 4
            values.append(None if size < 0 else body[at : at + size])
            at += max(size, 0)
        if values:
            spoilt = self._chance.randrange(len(values))
            values[spoilt] = anything(self._chance, values[spoilt])
        parts = [
            struct.pack("!i", -1) if one is None else struct.pack("!i", len(one)) + one for one in values
        ]
        return struct.pack("!h", count) + b"".join(parts)

    def _aside(self) -> bytes:
        """A notice and a parameter that nobody asked for."""
        words = self._chance.choice(HOSTILE).replace(b"\0", b"")
        notice = b"SWARNING\0C01000\0M" + words + b"\0D" + words + b"\0H" + words + b"\0\0"
        status = b"server_version\0" + words + b"\0"
        return b"".join(
            kind + struct.pack("!i", len(body) + 4) + body for kind, body in ((b"N", notice), (b"S", status))
        )

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def garbling(server: EmbeddedServer, seed: int) -> AsyncIterator[Garbler]:
    """A garbler before a server."""
    garbler = Garbler(server, seed)
    listener = await asyncio.start_server(garbler.serve, "127.0.0.1", 0)
    garbler.port = listener.sockets[0].getsockname()[1]
    try:
        yield garbler
    finally:
        listener.close()
        await garbler.close()
