"""A way to a server that can be slow, be cut, or become a black hole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from psycopg.conninfo import make_conninfo

from pgscope.embedded import EmbeddedServer

Mode = Literal["open", "hole", "closed"]


class Proxy:
    """Forwards from a port of the loopback to a server's socket, for as long as it is told to."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._path = f"{server.socket_dir}/.s.PGSQL.{server.port}"
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.delay = 0.0
        """Seconds that each piece of an answer takes longer."""
        self.port = 0
        self.accepted = 0

    def conninfo(self, dbname: str = "postgres", **more: str) -> str:
        return make_conninfo(
            host="127.0.0.1", port=self.port, user="postgres", dbname=dbname, connect_timeout=2, **more
        )

    def swallow(self) -> None:
        """Become a black hole: connections stay, nothing comes through, nobody is told."""
        self._flowing.clear()

    def flow(self) -> None:
        """Forward again."""
        self._flowing.set()

    def cut(self) -> None:
        """End all connections with a reset."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        try:
            to = await asyncio.open_unix_connection(self._path)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(to[1])
        for task in (
            asyncio.create_task(self._forward(reader, to[1], 0.0)),
            asyncio.create_task(self._forward(to[0], writer, 1.0)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slowly: float
    ) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                if self.delay * slowly:
                    await asyncio.sleep(self.delay * slowly)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def close(self) -> None:
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def through(server: EmbeddedServer) -> AsyncIterator[Proxy]:
    """A proxy in front of a server."""
    proxy = Proxy(server)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()
