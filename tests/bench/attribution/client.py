"""A client process: runs some applications' loads until it is ended, and counts what it ran in a shared file.

python -m tests.bench.attribution.client CONNINFO FILE MIX FIRST COUNT
"""

from __future__ import annotations

import asyncio
import mmap
import random
import sys
from pathlib import Path

import psycopg

from tests.bench.attribution.mixes import MIXES, STATEMENTS, Load

ROWS = 20_000
WIDTH = 8
_ORDER = {name: number for number, name in enumerate(STATEMENTS)}


def slot(load: int, statement: str) -> int:
    """Where in the file the count of a load's statement is."""
    return (load * len(STATEMENTS) + _ORDER[statement]) * WIDTH


def file_size(mix: str) -> int:
    """Bytes that the counts of a mix need."""
    return len(MIXES[mix]) * len(STATEMENTS) * WIDTH


class Client:
    """The loads of a process, and their counts."""

    def __init__(self, conninfo: str, counts: mmap.mmap) -> None:
        self.conninfo = conninfo
        self.counts = counts
        self.random = random.Random(7)

    def count(self, load: int, statement: str) -> None:
        """One more call."""
        place = slot(load, statement)
        value = int.from_bytes(self.counts[place : place + WIDTH], "little") + 1
        self.counts[place : place + WIDTH] = value.to_bytes(WIDTH, "little")

    def request(self, load: Load) -> list[str]:
        """The statements of one request."""
        found = []
        for statement, times in load.statements:
            found += [statement] * (self.random.randint(0, 2 * times) if load.varied else times)
        return found

    def parameters(self, statement: str) -> list[int] | None:
        """Values for a statement; all above what fits an int2, so that the types never differ."""
        number = STATEMENTS[statement].count("%s")
        if not number:
            return None
        return [40_000 + self.random.randrange(ROWS - 4100)] * number

    async def connect(self, load: Load) -> psycopg.AsyncConnection[tuple[object, ...]]:
        """A connection under the load's name."""
        return await psycopg.AsyncConnection.connect(
            self.conninfo,
            autocommit=True,
            application_name=load.application_name,
            prepare_threshold=0 if load.prepared else None,
        )

    async def call(
        self, connection: psycopg.AsyncConnection[tuple[object, ...]], number: int, statement: str
    ) -> None:
        """Run a statement and count it."""
        # BEGIN and COMMIT as drivers send them; before 18 prepared ones are counted the first time only.
        prepare = False if statement in ("begin", "commit") else None
        await connection.execute(STATEMENTS[statement].encode(), self.parameters(statement), prepare=prepare)
        self.count(number, statement)

    async def pause(self, load: Load) -> None:
        """Wait between two requests, never twice exactly as long."""
        await asyncio.sleep(load.pause * self.random.uniform(0.8, 1.2))

    async def steady(self, number: int, load: Load) -> None:
        """Requests on a connection of one's own."""
        connection = await self.connect(load)
        while True:
            statements = self.request(load)
            if load.way == "transactions":
                await self.call(connection, number, "begin")
                for statement in statements:
                    await self.call(connection, number, statement)
                await self.call(connection, number, "commit")
            elif load.way == "pipeline":
                async with connection.pipeline():
                    for statement in statements:
                        await connection.execute(STATEMENTS[statement].encode(), self.parameters(statement))
                for statement in statements:
                    self.count(number, statement)
            else:
                for statement in statements:
                    await self.call(connection, number, statement)
            await self.pause(load)

    async def brief(self, number: int, load: Load) -> None:
        """A connection for each request."""
        while True:
            connection = await self.connect(load)
            for statement in self.request(load):
                await self.call(connection, number, statement)
            await connection.close()
            await self.pause(load)

    async def pooled(self, number: int, load: Load, pool: asyncio.Queue[object]) -> None:
        """Requests on whichever connection of the pool is free, renamed first."""
        while True:
            connection = await pool.get()
            assert isinstance(connection, psycopg.AsyncConnection)
            await connection.execute(
                "select set_config('application_name', %s, false)", (load.application_name,)
            )
            for statement in self.request(load):
                await self.call(connection, number, statement)
            pool.put_nowait(connection)
            await self.pause(load)

    async def run(self, loads: dict[int, Load]) -> None:
        """All loads at once, for ever."""
        tasks = []
        pool: asyncio.Queue[object] = asyncio.Queue()
        if any(load.way == "pool" for load in loads.values()):
            first = next(load for load in loads.values() if load.way == "pool")
            for _ in range(2):
                pool.put_nowait(await self.connect(first))
        for number, load in loads.items():
            for _ in range(load.connections):
                if load.way == "connection":
                    tasks.append(asyncio.create_task(self.brief(number, load)))
                elif load.way == "pool":
                    tasks.append(asyncio.create_task(self.pooled(number, load, pool)))
                else:
                    tasks.append(asyncio.create_task(self.steady(number, load)))
        await asyncio.gather(*tasks)


def main() -> None:
    """Run until ended."""
    conninfo, path, mix, first, count = sys.argv[1:]
    with Path(path).open("r+b") as file, mmap.mmap(file.fileno(), 0) as counts:
        loads = dict(list(enumerate(MIXES[mix]))[int(first) : int(first) + int(count)])
        asyncio.run(Client(conninfo, counts).run(loads))


if __name__ == "__main__":
    main()
