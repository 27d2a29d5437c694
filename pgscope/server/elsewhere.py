"""Texts of pg_stat_statements read in another database of the server, where they cannot be had in this one.

The extension converts all texts to the encoding of the database in which it is asked. A single one that
cannot be (bytes in a SQL_ASCII database that are no UTF-8, a euro sign for LATIN1) makes the statement fail
for all of them, whatever the client's encoding. A SQL_ASCII database gets the bytes as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

import psycopg

from pgscope.errors import PgscopeError
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.queries import query

_T = TypeVar("_T")

UNCONVERTIBLE = frozenset({"22021", "22P05", "42883"})
"""SQLSTATEs: not valid in an encoding, no equivalent in it, no conversion between two of them."""
RAW = "SQL_ASCII"
"""The encoding of a database in which nothing is converted."""
_ENCODINGS = {0: RAW, 6: "UTF8"}


class Place(NamedTuple):
    """A database to ask in, and its encoding."""

    database: str
    encoding: str


class There(NamedTuple):
    """A connection to another database, the schema of pg_stat_statements in it, and its encoding."""

    connection: Connection
    schema: str
    encoding: str


def encoding_of(connection: Connection) -> str:
    """PostgreSQL's name of the encoding of the database connected to, as the server reported it."""
    return connection.info.parameter_status("server_encoding") or "UTF8"


async def places(connection: Connection) -> list[Place]:
    """Databases in which texts may be had that cannot be converted here, the best first.

    Raises psycopg.Error if the connection is lost.
    """
    found = await batch.run(connection, [Statement("places", query("convertible", 14))])
    return [Place(name(raw), _ENCODINGS[number]) for raw, number in found.rows.get("places", ())]


async def first_that_can(
    where: Sequence[Place],
    open_database: Callable[[str], Awaitable[Connection]],
    read: Callable[[There], Awaitable[_T]],
) -> _T | None:
    """What `read` returns in the first of these databases where it raises no psycopg.Error; else None.

    Each is asked over a connection of its own, closed at once.
    """
    for place in where:
        try:
            connection = await open_database(place.database)
        except (PgscopeError, psycopg.Error, OSError):
            continue
        try:
            schema = await schema_of_statements(connection)
            if schema is not None:
                return await read(There(connection, schema, place.encoding))
        except psycopg.Error:
            continue
        finally:
            await connection.close()
    return None


async def schema_of_statements(connection: Connection) -> str | None:
    """The schema of pg_stat_statements in this database; None if it is not there.

    Raises psycopg.Error if the connection is lost.
    """
    found = await batch.run(connection, [Statement("extensions", query("extensions", 14))])
    for extension, _, schema, _ in found.rows.get("extensions", ()):
        if name(extension) == "pg_stat_statements":
            return name(schema)
    return None
