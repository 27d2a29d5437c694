"""Names of roles and databases by oid, read again only when an unknown oid turns up."""

from __future__ import annotations

from collections.abc import Iterable

from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import codec_of, name
from pgscope.server.queries import query


class NameBook:
    """Roles, databases and the databases' encodings."""

    def __init__(self) -> None:
        self.users: dict[int, str] = {}
        self.databases: dict[int, str] = {}
        self.codecs: dict[int, str] = {}
        self._unknown: set[int] = set()

    def knows(self, users: Iterable[int], databases: Iterable[int]) -> bool:
        """Whether all these can be named, or were asked for in vain."""
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
        self.users, self.databases, self.codecs = {}, {}, {}
        for kind, oid, raw, encoding in result.rows.get("names", ()):
            if name(kind) == "d":
                self.databases[oid] = name(raw)
                self.codecs[oid] = codec_of(name(encoding))
            else:
                self.users[oid] = name(raw)

    def user(self, oid: int | None) -> str:
        """The role's name; '' if there is none, its number if it was dropped."""
        return self.users.get(oid, str(oid)) if oid else ""

    def database(self, oid: int | None) -> str:
        """The database's name; '' if there is none, its number if it was dropped."""
        return self.databases.get(oid, str(oid)) if oid else ""

    def codec(self, oid: int | None) -> str:
        """The Python codec of a database's encoding."""
        return self.codecs.get(oid, "utf-8") if oid else "utf-8"
