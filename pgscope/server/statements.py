"""Counters and texts of pg_stat_statements, wherever the extension lies and whatever its version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from pgscope.sample import ServerFacts, StatementCounters, StatementsInfo
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import text
from pgscope.server.names import NameBook
from pgscope.server.queries import query


class StatementReader:
    """Reads counters at each call, and each text once."""

    def __init__(self, facts: ServerFacts, names: NameBook) -> None:
        if facts.statements_version is None:
            raise ValueError("pg_stat_statements cannot be read here")
        major, minor = facts.statements_version
        self._version = 100 * major + minor
        self._schema = sql.Identifier(facts.statements_schema)
        self._names = names
        self._known: set[tuple[int, int]] = set()
        self._last: tuple[StatementCounters, ...] = ()

    def _query(self, name: str) -> sql.Composed:
        return query(name, self._version).format(schema=self._schema)

    def statements(self) -> list[Statement]:
        """What a poll runs: counters, and evictions and resets."""
        return [
            Statement("statements", self._query("statements")),
            Statement("statements_info", self._query("statements_info")),
        ]

    def counters(self, rows: Sequence[tuple[Any, ...]]) -> tuple[StatementCounters, ...]:
        """The rows of `statements` as samples."""
        self._last = tuple(map(StatementCounters._make, rows))
        return self._last

    def info(self, rows: Sequence[tuple[Any, ...]]) -> StatementsInfo | None:
        """The row of `statements_info` as a sample."""
        return StatementsInfo._make(rows[0]) if rows else None

    def unseen(self) -> set[tuple[int, int]]:
        """(dbid, queryid) of entries whose text was not read yet; entries that went are forgotten."""
        present = {(row.dbid, row.queryid) for row in self._last}
        self._known &= present
        return present - self._known

    async def texts(self, connection: Connection, unseen: set[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Texts of these entries. The server reads its whole text file for it: call seldom.

        Raises psycopg.Error if the connection is lost; no text if the statement fails.
        """
        params = {"queryids": sorted({queryid for _, queryid in unseen})}
        found = await batch.run(connection, [Statement("texts", self._query("statement_texts"), params)])
        self._known |= unseen
        return {
            (dbid, queryid): text(raw, self._names.codec(dbid))
            for dbid, queryid, raw in found.rows.get("texts", ())
            if raw is not None
        }
