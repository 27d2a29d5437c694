"""What relations and other locked objects are called, in any database, read once and kept a while.

Names are read apart from pg_locks: reading pg_class waits when somebody holds it (VACUUM FULL pg_class), and
just then the waits must still be seen.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import psycopg

from pgscope.errors import ConnectionFailed
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.names import NameBook
from pgscope.server.queries import query

_KEPT = 300.0
"""Seconds that a name is kept; an object may be renamed."""
_UNKNOWN_KEPT = 30.0
"""Seconds until an object without a name (made in a transaction still open, say) is asked for again."""
_CLOSED_KEPT = 300.0
"""Seconds until a database that would not let us in is tried again."""
_RELATION = 0
_MOST = 200
"""Names asked for in one statement; the others come with the next look."""

OpenDatabase = Callable[[str], Awaitable[Connection]]
"""Opens a connection to the database of that name on the same server."""


class Thing(NamedTuple):
    """A relation (`classid` 0) or another object, of a database (0: shared by all)."""

    database: int
    classid: int
    oid: int


class ObjectNames:
    """Names by `Thing`, kept for some minutes."""

    def __init__(self, book: NameBook, own_database: str) -> None:
        """`own_database` is the name of the database that the polls are connected to."""
        self._book = book
        self._own = own_database
        self._names: dict[Thing, tuple[str, float]] = {}
        self._wanted: set[Thing] = set()
        self._closed: dict[int, float] = {}

    def relation(self, database: int | None, oid: int | None) -> str:
        """schema.name of a relation; '' while it is not known (it is then wanted)."""
        return self._name(Thing(database or 0, _RELATION, oid)) if oid else ""

    def other(self, database: int | None, classid: int | None, oid: int | None) -> str:
        """What the server calls another object ('role app'); '' while it is not known."""
        return self._name(Thing(database or 0, classid, oid)) if classid and oid else ""

    def want(self, things: Iterable[Thing]) -> None:
        """Have these read by the next `read_own` or `read_elsewhere`, unless they are known."""
        for thing in things:
            self._name(thing)

    def _name(self, thing: Thing) -> str:
        found, until = self._names.get(thing, ("", 0.0))
        if until < time.monotonic():
            self._wanted.add(thing)
        return found

    @property
    def wanted_here(self) -> bool:
        """Whether `read_own` has something to read."""
        return any(self._is_here(thing) for thing in self._wanted)

    @property
    def wanted_elsewhere(self) -> bool:
        """Whether `read_elsewhere` has something to read."""
        return bool(self._databases_elsewhere())

    async def read_own(self, connection: Connection) -> None:
        """Read wanted names of the own database and of shared objects: one round trip, at most.

        Raises psycopg.OperationalError or InterfaceError if the connection is lost; a statement that fails
        only leaves its names unknown for a while.
        """
        await self._read(connection, [thing for thing in self._wanted if self._is_here(thing)])

    async def read_elsewhere(self, open_database: OpenDatabase) -> None:
        """Read wanted names of other databases, one after the other, each over a connection closed at once.

        A database that does not let us in is left alone for some minutes.
        """
        for datid, things in self._databases_elsewhere().items():
            try:
                connection = await open_database(self._book.database(datid))
            except (ConnectionFailed, psycopg.Error, OSError):
                self._closed[datid] = time.monotonic() + _CLOSED_KEPT
                self._keep(things, {})
                continue
            try:
                await self._read(connection, things)
            except (psycopg.Error, OSError):
                self._keep(things, {})
            finally:
                await connection.close()

    def _is_here(self, thing: Thing) -> bool:
        return thing.database == 0 or self._book.database(thing.database) == self._own

    def _databases_elsewhere(self) -> dict[int, list[Thing]]:
        now = time.monotonic()
        found: dict[int, list[Thing]] = {}
        for thing in self._wanted:
            known = thing.database in self._book.databases
            if known and not self._is_here(thing) and self._closed.get(thing.database, 0.0) <= now:
                found.setdefault(thing.database, []).append(thing)
        return found

    async def _read(self, connection: Connection, things: list[Thing]) -> None:
        things = things[:_MOST]
        relations = [thing for thing in things if thing.classid == _RELATION]
        others = [thing for thing in things if thing.classid != _RELATION]
        statements = []
        if relations:
            oids = {"oids": sorted({thing.oid for thing in relations})}
            statements.append(Statement("relations", query("relation_names", 14), oids))
        if others:
            lists = {"classids": [t.classid for t in others], "objids": [t.oid for t in others]}
            statements.append(Statement("others", query("object_names", 14), lists))
        if not statements:
            return
        found = await batch.run(connection, statements)
        self._keep(relations, self._relation_names(relations, found.rows.get("relations", ())))
        self._keep(others, self._other_names(others, found.rows.get("others", ())))

    def _relation_names(self, things: list[Thing], rows: Iterable[tuple[Any, ...]]) -> dict[Thing, str]:
        by_oid = {oid: (schema, relation) for oid, schema, relation in rows}
        names = {}
        for thing in things:
            if thing.oid in by_oid:
                codec = self._book.codec(thing.database)
                schema, relation = by_oid[thing.oid]
                names[thing] = f"{name(schema, codec)}.{name(relation, codec)}"
        return names

    def _other_names(self, things: list[Thing], rows: Iterable[tuple[Any, ...]]) -> dict[Thing, str]:
        said = {(classid, oid): words for classid, oid, words in rows}
        return {
            thing: name(said.get((thing.classid, thing.oid)), self._book.codec(thing.database))
            for thing in things
        }

    def _keep(self, things: list[Thing], names: dict[Thing, str]) -> None:
        now = time.monotonic()
        for thing in things:
            self._wanted.discard(thing)
            known = names.get(thing, "")
            before = self._names.get(thing, ("", 0.0))[0]
            # A name that cannot be read again is better than none.
            self._names[thing] = (known or before, now + (_KEPT if known else _UNKNOWN_KEPT))
