"""Sessions that make lock waits, and looks at them: what the lock tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType

import psycopg
from psycopg import pq, sql

from pgscope.analysis.locks import LockForest, build_forest
from pgscope.sample import Poll
from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.poll import Poller

PATIENCE = 30.0
"""Seconds that a test waits for what must come."""


class Client:
    """A session whose statements may be left waiting."""

    def __init__(self, conninfo: str, application: str) -> None:
        self._conn = pq.PGconn.connect(f"{conninfo} application_name={application}".encode())
        assert self._conn.status == pq.ConnStatus.OK, self._conn.error_message
        self.application = application
        self.pid = self._conn.backend_pid

    def run(self, *statements: str) -> list[tuple[str, ...]]:
        """Run statements to their end; return the rows of the last."""
        rows: list[tuple[str, ...]] = []
        for statement in statements:
            result = self._conn.exec_(statement.encode())
            assert result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK), (
                result.error_message.decode()
            )
            rows = [
                tuple((result.get_value(row, column) or b"").decode() for column in range(result.nfields))
                for row in range(result.ntuples)
            ]
        return rows

    def send(self, statement: str) -> None:
        """Start a statement and do not wait for it."""
        self._conn.send_query(statement.encode())

    def finish(self) -> str:
        """Wait for what was sent; return its first error, '' if there was none."""
        error = ""
        while (result := self._conn.get_result()) is not None:
            error = error or result.error_message.decode()
        return error

    def close(self) -> None:
        self._conn.finish()


class Scene:
    """A database with sessions in it, and pgscope looking on."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self._clients: list[Client] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Scene:
        self.connection: Connection = await connect(target(self.conninfo))
        self._stack.push_async_callback(self.connection.close)
        self.facts = await learn(self.connection)
        self.poller = Poller(self.connection, self.facts)
        await self.poller.poll(statements=False)
        self._truth = await psycopg.AsyncConnection.connect(self.conninfo, autocommit=True)
        self._stack.push_async_callback(self._truth.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Those that hold go first, so that nobody is left waiting for a socket to be noticed.
        for client in self._clients:
            await self._truth.execute("select pg_terminate_backend(%s)", (client.pid,))
        for client in self._clients:
            client.close()
        left = await self._truth.execute(
            "select gid from pg_prepared_xacts where database = current_database()"
        )
        for (gid,) in await left.fetchall():
            await self._truth.execute(sql.SQL("rollback prepared {}").format(gid))
        await self._stack.aclose()

    def client(self, application: str = "test", conninfo: str | None = None) -> Client:
        """A new session."""
        client = Client(conninfo or self.conninfo, application)
        self._clients.append(client)
        return client

    async def poll(self) -> Poll:
        """One look as pgscope takes it."""
        polled = await self.poller.poll(statements=False)
        assert "locks" not in polled.failures
        return polled.poll

    async def poll_until(self, wanted: Callable[[Poll], bool]) -> Poll:
        """Looks until one shows what is wanted."""

        async def looking() -> Poll:
            while not wanted(poll := await self.poll()):
                await asyncio.sleep(0.02)
            return poll

        return await asyncio.wait_for(looking(), PATIENCE)

    async def forest_of(self, *waiters: Client) -> LockForest:
        """The forest once all these wait, checked against the server's own word for each of them."""
        pids = {client.pid for client in waiters}
        await self.waiting(*waiters)
        poll = await self.poll_until(
            lambda poll: pids <= {lock.pid for lock in poll.locks if not lock.granted}
        )
        forest = build_forest(poll)
        for pid in pids:
            node = forest.node(pid)
            assert node is not None
            mine = {max(key, 0) for key in node.hard_blockers + node.soft_blockers}
            assert mine == set(await self.blockers(pid))
            assert not set(node.hard_blockers) & set(node.soft_blockers)
        return forest

    async def waiting(self, *waiters: Client) -> None:
        """Until all these wait for a lock."""
        for client in waiters:
            await self.until("select true from pg_locks where pid = %s and not granted", (client.pid,))

    async def until(self, query: str, params: tuple[object, ...] = ()) -> None:
        """Until the query returns a row."""

        async def asking() -> None:
            while await (await self._truth.execute(query, params)).fetchone() is None:
                await asyncio.sleep(0.02)

        await asyncio.wait_for(asking(), PATIENCE)

    async def blockers(self, pid: int) -> list[int]:
        """What pg_blocking_pids says."""
        row = await (await self._truth.execute("select pg_blocking_pids(%s)", (pid,))).fetchone()
        assert row is not None
        return list(row[0])
