"""Counters and texts of pg_stat_statements, wherever the extension lies and whatever its version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import sql

from pgscope.packed import Texts
from pgscope.sample import ServerFacts, StatementCounters, StatementsInfo
from pgscope.server.batch import Failure, Statement, failure_of
from pgscope.server.changes import Marks, mark
from pgscope.server.connection import Connection
from pgscope.server.decode import codec_of, text
from pgscope.server.elsewhere import RAW, UNCONVERTIBLE, There, encoding_of
from pgscope.server.names import NameBook
from pgscope.server.queries import query

_ROOM = sql.SQL("select /* pgscope */ pg_catalog.set_config('work_mem', '256MB', false)")
"""For the texts to be read without a temporary file: 47 MB are usual where statements are long."""
_PIECE = 100
"""Texts that are handed on together."""
_CHUNK = 50 if psycopg.pq.version() >= 170000 else 1
"""Rows that libpq hands over together, where it can."""
_MOST = 1_000_000
"""Entries at the most where the server does not say how many there may be."""
_PASSING_MOST = 3
"""Reads of texts in a row that may fail for a passing reason; then it does not pass (a file too large)."""
_OIDS = (StatementCounters._fields.index("userid"), StatementCounters._fields.index("dbid"))
_OFTEN_NOTHING = tuple(
    map(StatementCounters._fields.index, ("total_plan_time", "blk_read_time", "blk_write_time"))
)
"""Times that are only taken where settings say so."""
_TOTAL, _MAX = map(StatementCounters._fields.index, ("total_exec_time", "max_exec_time"))
_WHOLE_EVERY = 60
"""Polls after which all counters are read again, should anything ever have been missed."""


class StatementReader:
    """Reads counters that changed at each call, and each text once."""

    def __init__(self, facts: ServerFacts, names: NameBook) -> None:
        if facts.statements_version is None:
            raise ValueError("pg_stat_statements cannot be read here")
        major, minor = facts.statements_version
        self._version = 100 * major + minor
        self._schema = facts.statements_schema
        self._most = 2 * facts.statements_max or _MOST
        self._names = names
        self._known: set[tuple[int, int]] = set()
        self._slots: list[StatementCounters | None] = []
        self._before: list[StatementCounters | None] = []
        """What was there before all were read again."""
        self._holes = False
        """Whether there are places without an entry that we may see."""
        self._marks = Marks()
        self._polls = 0
        self._info: StatementsInfo | None = None
        self._uncertain = False
        self._unseen: set[tuple[int, int]] = set()
        self._moved = False
        self.failure: Failure | None = None
        """Why not all texts could be read the last time; None if they could."""
        self._failed = 0
        self.unreadable = ""
        """Why texts cannot be read for now, neither here nor elsewhere; '' if that is not so."""

    def __len__(self) -> int:
        """How many entries there were at the last read."""
        return len(self._slots)

    def _query(self, name: str) -> sql.Composed:
        return query(name, self._version).format(schema=sql.Identifier(self._schema))

    def statements(self) -> list[Statement]:
        """What a poll runs: counters that changed, and evictions and resets."""
        self._polls += 1
        if self._uncertain or self._polls % _WHOLE_EVERY == 0:
            self._uncertain = False
            self._before = self._slots
            self._slots, self._marks, self._holes = [], Marks(), False
        return [
            Statement("statements", self._query("statements"), {"marks": self._marks}),
            Statement("statements_info", self._query("statements_info")),
        ]

    def counters(self, rows: Sequence[tuple[Any, ...]]) -> tuple[StatementCounters, ...]:
        """All entries, after the rows of `statements`; what did not change is the object that it was.

        Raises ValueError for an entry that cannot be.
        """
        slots, before = self._slots, self._before
        oids: dict[int, int] = {}
        for place, *values in rows:
            if not 0 < place <= self._most:
                raise ValueError("an entry at a place that pg_stat_statements.max leaves no room for")
            if place > len(slots):
                # Most of these do nothing for long: what they have in common they have together.
                for n in _OIDS:
                    values[n] = oids.setdefault(values[n], values[n])
                for n in _OFTEN_NOTHING:
                    values[n] = values[n] or 0.0
                if values[_MAX] == values[_TOTAL]:  # called once
                    values[_MAX] = values[_TOTAL]
            entry = StatementCounters._make(values)
            if place <= len(before) and (known := before[place - 1]) == entry:
                entry = known
            if len(slots) < place:
                self._holes = self._holes or len(slots) + 1 < place
                slots += [None] * (place - len(slots))
            old = slots[place - 1]
            slots[place - 1] = entry
            self._marks.put(place - 1, mark(entry[:4], entry.calls))
            if old is None or old[:4] != entry[:4]:
                self._moved = True
        self._before = []
        if not self._moved:
            return tuple(entry for entry in slots if entry is not None) if self._holes else tuple(slots)  # type: ignore[arg-type]
        # Entries moved: one that is still where it was before stands behind, with its old counters.
        first = {entry[:4]: entry for entry in reversed(slots) if entry is not None}
        found = tuple(reversed(first.values()))
        present = {(entry.dbid, entry.queryid) for entry in found}
        self._known &= present
        self._unseen = present - self._known
        if not self._unseen:
            self.unreadable = ""
        self._moved = False
        self._uncertain = self._uncertain or len(found) < sum(entry is not None for entry in slots)
        return found

    def info(self, rows: Sequence[tuple[Any, ...]]) -> StatementsInfo | None:
        """The row of `statements_info` as a sample."""
        info = StatementsInfo._make(rows[0]) if rows else None
        # Evictions and resets take entries away: all are read again, for the last places may be out of date.
        self._uncertain = self._uncertain or (self._info is not None and info != self._info)
        self._info = info
        return info

    def unseen(self) -> set[tuple[int, int]]:
        """(dbid, queryid) of entries whose text was not read yet; entries that went are forgotten."""
        return self._unseen

    @property
    def unconvertible(self) -> bool:
        """Whether texts could not be read because one of the server's cannot be converted to our encoding."""
        return self.failure is not None and self.failure.state in UNCONVERTIBLE

    async def texts(
        self,
        connection: Connection,
        unseen: set[tuple[int, int]],
        take: Callable[[Texts], None] | None = None,
    ) -> Texts:
        """Texts of these entries; `take` gets them piece by piece, while more come.

        The server reads its whole text file for it: call seldom. Raises psycopg.Error if the connection is
        lost; if the statement fails, `failure` says why, and what was not read stays unseen.
        """
        found = Texts()
        try:
            here = There(connection, self._schema, encoding_of(connection))
            await self._read(here, unseen, found, take)
            self.failure, self.unreadable, self._failed = None, "", 0
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                raise
            self.failure = failure_of(error)
            self._failed += 1
            lasts = not self.failure.passing or self._failed >= _PASSING_MOST
            if lasts and not self.unconvertible:
                self.give_up()
        # Some have none: if all could be read, those are not asked for again.
        self._saw(unseen if self.failure is None else {name for name in unseen if name in found.packed})
        return found

    async def texts_elsewhere(
        self, there: There, unseen: set[tuple[int, int]], take: Callable[[Texts], None]
    ) -> Texts:
        """As `texts`, over a connection to another database, where this is not `unconvertible`.

        Raises psycopg.Error if the statement fails.
        """
        found = Texts()
        await self._read(there, unseen, found, take)
        self.failure, self.unreadable = None, ""
        self._saw(unseen)
        return found

    def give_up(self) -> None:
        """There is no other way to texts that could not be read: `unreadable` says why, until they can be."""
        self.unreadable = self.failure.reason if self.failure is not None else ""

    async def _read(
        self,
        there: There,
        unseen: set[tuple[int, int]],
        found: Texts,
        take: Callable[[Texts], None] | None,
    ) -> None:
        """Put the texts into `found` as they come, and into `take` by pieces."""
        statement = query("statement_texts", self._version).format(schema=sql.Identifier(there.schema))
        params = {"queryids": sorted({queryid for _, queryid in unseen})}
        # The names that are known already, not others that are equal: each is kept as long as its text.
        names = {name: name for name in unseen}
        piece = Texts()

        def hand_on() -> None:
            found.take(piece)
            if take is not None and piece:
                take(piece)

        try:
            await there.connection.execute(_ROOM)
            rows = there.connection.cursor(binary=True).stream(statement, params, size=_CHUNK)
            async for dbid, queryid, raw in rows:
                if raw is not None:
                    name = (dbid, queryid)
                    # All are converted to the encoding of the database asked; a SQL_ASCII one has them raw.
                    codec = self._names.codec(dbid) if there.encoding == RAW else codec_of(there.encoding)
                    piece[names.get(name, name)] = text(raw, codec)
                if len(piece) >= _PIECE:
                    hand_on()
                    piece = Texts()
                    # Whoever waits for a key to take effect need not wait for all texts.
                    await asyncio.sleep(0)
        except psycopg.Error:
            hand_on()
            raise
        hand_on()

    def _saw(self, read: set[tuple[int, int]]) -> None:
        self._known |= read
        # Not by `-`: what that makes is as large as what it is made of, though nothing is in it.
        self._unseen = {name for name in self._unseen if name not in read}
