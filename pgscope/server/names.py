"""Names of roles and databases by oid, read again when an unknown oid turns up, and now and then."""

from __future__ import annotations

import time
from collections.abc import Iterable

from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import codec_of, name
from pgscope.server.queries import query

_KEPT = 300.0
"""Seconds until all are read again: a role or database may be renamed."""


class NameBook:
    """Roles, databases and the databases' encodings."""

    def __init__(self) -> None:
        self.users: dict[int, str] = {}
        self.databases: dict[int, str] = {}
        self.codecs: dict[int, str] = {}
        self._unknown: set[int] = set()
        self._due = 0.0
        self.changes = 0
        """How often a read found other names than the one before."""

    def knows(self, users: Iterable[int], databases: Iterable[int]) -> bool:
        """Whether all these can be named, or were asked for in vain, and names were read not long ago."""
        if time.monotonic() >= self._due:
            return False
        lost = {oid for oid in users if oid and oid not in self.users}
        lost |= {oid for oid in databases if oid and oid not in self.databases}
        return lost <= self._unknown

    def forget_unknown(self, users: Iterable[int], databases: Iterable[int]) -> None:
        """Remember which of these have no name (dropped since), so as not to ask for them each time."""
        self._unknown = {oid for oid in users if oid not in self.users}
        self._unknown |= {oid for oid in databases if oid not in self.databases}

    def statement(self) -> Statement:
        """The statement that reads them all."""
        return Statement("names", query("names", 14))

    async def read(self, connection: Connection) -> None:
        """Read all names; raises psycopg.Error if the connection is lost."""
        result = await batch.run(connection, [self.statement()])
        self._due = time.monotonic() + _KEPT
        if "names" not in result.rows:
            # Old names are better than none.
            return
        users: dict[int, str] = {}
        databases: dict[int, str] = {}
        for kind, oid, raw, encoding in result.rows["names"]:
            if name(kind) == "d":
                databases[oid] = name(raw)
                self.codecs[oid] = codec_of(name(encoding))
            else:
                users[oid] = name(raw)
        if (users, databases) != (self.users, self.databases):
            self.users, self.databases = users, databases
            self.changes += 1

    def user(self, oid: int | None) -> str:
        """The role's name; '' if there is none, its number if it was dropped."""
        return self.users.get(oid, str(oid)) if oid else ""

    def database(self, oid: int | None) -> str:
        """The database's name; '' if there is none, its number if it was dropped."""
        return self.databases.get(oid, str(oid)) if oid else ""

    def codec(self, oid: int | None) -> str:
        """The Python codec of a database's encoding."""
        return self.codecs.get(oid, "utf-8") if oid else "utf-8"
