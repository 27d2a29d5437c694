"""A door before a PostgreSQL server that counts what goes through it, and may delay it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 18


@dataclass
class Counted:
    """What one connection carried so far. `round_trips` are turns from answers to requests."""

    pid: int = 0
    sent: int = 0
    """Bytes to the server."""
    received: int = 0
    """Bytes from the server."""
    rows: int = 0
    round_trips: int = 0
    cpu_ns: int = 0
    """Of its backend, when it ended; see `Proxy.on_end`."""
    ended: bool = False


class _Answers:
    """Follows the messages of the server in what arrives in pieces of any size."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._head = b""
        self._skip = 0
        self._key: bytearray | None = None

    def feed(self, data: bytes) -> None:
        place, end = 0, len(data)
        while place < end:
            if self._skip:
                step = min(self._skip, end - place)
                if self._key is not None:
                    self._key += data[place : place + step]
                self._skip -= step
                place += step
                if not self._skip and self._key is not None:
                    self._counted.pid = int.from_bytes(self._key[:4], "big")
                    self._key = None
                continue
            needed = 5 - len(self._head)
            self._head += data[place : place + needed]
            place += needed
            if len(self._head) == 5:
                kind, self._skip = self._head[:1], int.from_bytes(self._head[1:], "big") - 4
                self._head = b""
                self._counted.rows += kind == b"D"
                if kind == b"K":
                    self._key = bytearray()


class Proxy:
    """Listens on a unix socket in `folder` and passes all on to an address; a context manager.

    `delay` in seconds, each way. Once a client said `hush`, nothing of its connection is passed on any more.
    `on_end` is called as a client goes, while its backend is still there.
    """

    def __init__(self, folder: Path, address: tuple[str, int] | str, *, delay: float = 0.0) -> None:
        self.folder = folder
        self.delay = delay
        self.hush = b""
        self.connections: list[Counted] = []
        self.on_end: Callable[[Counted], None] = lambda counted: None
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Proxy:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        path = str(self.folder / ".s.PGSQL.5432")
        server = self._loop.run_until_complete(asyncio.start_unix_server(self._serve, path, limit=_CHUNK))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._address, str):
            up_reader, up_writer = await asyncio.open_unix_connection(self._address, limit=_CHUNK)
        else:
            up_reader, up_writer = await asyncio.open_connection(*self._address, limit=_CHUNK)
            up_writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        counted = Counted()
        self.connections.append(counted)
        answers = _Answers(counted)
        answered = True

        hushed = False

        def asked(data: bytes) -> bool:
            nonlocal answered, hushed
            counted.sent += len(data)
            counted.round_trips += answered
            answered = False
            hushed = hushed or (bool(self.hush) and self.hush in data)
            return not hushed

        def told(data: bytes) -> bool:
            nonlocal answered
            counted.received += len(data)
            answered = True
            answers.feed(data)
            return not hushed

        back = asyncio.create_task(self._pump(up_reader, writer, told))
        try:
            await self._pump(reader, up_writer, asked)
            self.on_end(counted)
            counted.ended = True
        finally:
            with contextlib.suppress(OSError):
                up_writer.close()
            await asyncio.wait({back}, timeout=2)
            back.cancel()
            with contextlib.suppress(OSError):
                writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[bytes], bool]
    ) -> None:
        """Pass on what comes, as far as `count` says so of it."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def late() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(due - time.monotonic())
                writer.write(data)

        sender = asyncio.create_task(late()) if self.delay else None
        try:
            while data := await reader.read(_CHUNK):
                if not count(data):
                    continue
                if sender is None:
                    writer.write(data)
                    await writer.drain()
                else:
                    waiting.put_nowait((time.monotonic() + self.delay, data))
        except OSError:
            pass
        finally:
            if sender is not None:
                sender.cancel()
