"""Several statements in one round trip, where one that fails does not take the others with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import psycopg
from psycopg import sql

from pgscope.dataclass import dataclass
from pgscope.server.connection import Connection
from pgscope.text import clean, one_line


@dataclass(frozen=True)
class Statement:
    """A statement of a batch; `name` is for telling results and failures apart."""

    name: str
    query: sql.SQL | sql.Composed
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Failure:
    """Why a statement failed, in one cleaned line; `passing` if the same may go well at the next look.

    `state` is the SQLSTATE, '' where there is none.
    """

    reason: str
    passing: bool
    state: str = ""


@dataclass
class Batch:
    """What came back: rows by the statement's name, and the failures."""

    rows: dict[str, Sequence[tuple[Any, ...]]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


async def run(connection: Connection, statements: Sequence[Statement]) -> Batch:
    """Run the statements in one pipeline; if one fails, run each alone once and say which failed.

    Results are binary. Raises psycopg.OperationalError or InterfaceError if the connection is lost.
    """
    try:
        return await _pipelined(connection, statements)
    except psycopg.Error:
        if connection.closed or connection.broken:
            raise
    return await _one_by_one(connection, statements)


async def _pipelined(connection: Connection, statements: Sequence[Statement]) -> Batch:
    batch = Batch()
    cursors = []
    async with connection.pipeline():
        for statement in statements:
            cursor = connection.cursor(binary=True)
            await cursor.execute(statement.query, statement.params)
            cursors.append(cursor)
    for statement, cursor in zip(statements, cursors, strict=True):
        batch.rows[statement.name] = await cursor.fetchall()
    return batch


async def _one_by_one(connection: Connection, statements: Sequence[Statement]) -> Batch:
    batch = Batch()
    for statement in statements:
        cursor = connection.cursor(binary=True)
        try:
            await cursor.execute(statement.query, statement.params)
            batch.rows[statement.name] = await cursor.fetchall()
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                raise
            batch.failures[statement.name] = failure_of(error)
    return batch


def failure_of(error: psycopg.Error) -> Failure:
    """What an error of the server means for a statement that is run again and again."""
    # Cancelled (57014), a lock not had (55P03), out of a resource (53): it may go well next time.
    state = error.sqlstate or ""
    passing = state in ("57014", "55P03") or state.startswith("53")
    return Failure(one_line(clean(str(error))), passing, state)
