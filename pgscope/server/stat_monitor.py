"""Calls by application as pg_stat_monitor counts them, where that extension is installed."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from pgscope.sample import ApplicationCalls, Monitored
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.queries import query

_OVERLAP = 600.0
"""Seconds: buckets that began this long before the last read may still have counted since."""


class StatMonitorReader:
    """Reads the buckets of pg_stat_monitor; the view carries texts, so call it every ten seconds or less."""

    def __init__(self, schema: str, codec: Callable[[int], str]) -> None:
        """`schema` is where the extension's view is, `codec` gives the codec of a database's encoding."""
        self._query = query("stat_monitor", 20).format(schema=sql.Identifier(schema))
        self._codec = codec
        self._since = 0.0

    @classmethod
    async def find(cls, connection: Connection, codec: Callable[[int], str]) -> StatMonitorReader | None:
        """A reader, if the database connected to has the extension in version 2 or later."""
        found = await batch.run(connection, [Statement("schema", query("stat_monitor_schema", 14))])
        rows = found.rows.get("schema")
        return cls(name(rows[0][0]), codec) if rows else None

    async def read(self, connection: Connection, at: float, mono: float) -> Monitored | None:
        """The calls in recent buckets, at `at` (server's clock) and `mono`; None if they cannot be read now.

        Raises psycopg.Error if the connection is lost.
        """
        statement = Statement("stat_monitor", self._query, {"since": self._since})
        found = await batch.run(connection, [statement])
        if "stat_monitor" not in found.rows:
            return None
        self._since = at - _OVERLAP
        return Monitored(
            at,
            mono,
            tuple(
                ApplicationCalls(bucket, userid, dbid, queryid, toplevel, name(raw, self._codec(dbid)), calls)
                for bucket, userid, dbid, queryid, toplevel, raw, calls in found.rows["stat_monitor"]
            ),
        )
