"""One connection and one transaction, for one plan."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import psycopg

from pgscope.dataclass import dataclass
from pgscope.errors import ConnectionFailed
from pgscope.server.connection import Connection
from pgscope.server.conninfo import Target
from pgscope.server.explain import catalog, statement, typed, verdict
from pgscope.server.explain.circumstances import Circumstances, first_line, set_local, stand
from pgscope.server.explain.facts import CatalogFacts
from pgscope.server.explain.memory import Failures
from pgscope.server.explain.normalised import Normalised
from pgscope.server.explain.prepare import (
    PREFIX,
    Prepared,
    custom,
    generic,
    identifier,
    prepare,
    prepare_again,
)
from pgscope.server.explain.reach import Named, reach
from pgscope.server.explain.request import (
    ExplainFailed,
    ExplainRequest,
    ExplainResult,
    Lift,
    Obstacle,
    Origin,
    Pick,
)
from pgscope.server.explain.values import choices
from pgscope.server.queries import query
from pgscope.server.really import connect_to, really
from pgscope.text import clean, seems_cleaned

T = TypeVar("T")

_STATUS = psycopg.pq.TransactionStatus
_SUPERUSER = Obstacle(
    "ANALYZE as a superuser: whatever the statement calls may do anything", None, frozenset({Lift.SUPERUSER})
)
_ADVICE = {
    "42501": "GRANT the privilege, or connect as a role that has it",
    "42P01": "check the search_path (--search-path) and the database; a temporary table is its session's",
    "42725": "the text alone does not tell the types of its parameters",
    "55P03": "a lock on one of its tables is taken: try again later",
    "25006": "it writes: it may be planned, not run",
}
_CANCEL_SECONDS = 5.0
_GRACE_SECONDS = 15.0
"""How long after the server's own timeout a connection that says nothing is given up."""


@dataclass(frozen=True)
class Started:
    """What is about to be planned or run: for the screen, before it happens. Times in ms."""

    pid: int
    server: str
    database: str
    role: str
    search_path: str
    timeout_ms: int


class Session:
    """An open transaction on the session's database; an async context manager that rolls back and closes."""

    def __init__(self, request: ExplainRequest, target: Target, failures: Failures | None) -> None:
        """For one request; nothing happens before it is entered."""
        self._request = request
        self._target = target
        self._failures = failures
        self._began = time.monotonic()
        self._preparing: Normalised | None = None
        self._facts = CatalogFacts()
        self._relations: tuple[Named, ...] = ()
        self._same: bool | None = None
        self.connection: Connection

    async def __aenter__(self) -> Session:
        """Connect. Raises ConnectionFailed."""
        request = self._request
        self.connection = await connect_to(
            self._target, request.database, statement_timeout_ms=request.timeout_ms
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Roll back where the server still answers, and close, which ends the transaction in any case."""
        try:
            if self.connection.pgconn.transaction_status in (_STATUS.INTRANS, _STATUS.INERROR):
                await asyncio.wait_for(self.connection.execute("ROLLBACK", prepare=False), 2)
        except (psycopg.Error, TimeoutError, asyncio.TimeoutError):
            # The connection is lost, and its transaction with it.
            return
        finally:
            await self.connection.close()

    async def enter(
        self, parsed: statement.Statement, home: str | None
    ) -> tuple[Circumstances, list[Obstacle]]:
        """Begin, stand where the owner stood, and judge what the statement reaches. Raises ExplainFailed."""
        request = self._request
        writing = request.analyze and bool(statement.obstacles(parsed))
        self._relations = reach(parsed.tree).relations

        async def work() -> tuple[Circumstances, CatalogFacts]:
            owner = await really(self.connection, "r", request.user) if request.user else None
            # Sessions of ours read as bytes and without JIT; this one reads text and plans as others do.
            await self.connection.execute("SET client_encoding = 'UTF8'", prepare=False)
            await self.connection.execute("RESET jit", prepare=False)
            await self.connection.execute("RESET plan_cache_mode", prepare=False)
            begin = b"BEGIN READ WRITE" if writing else b"BEGIN READ ONLY"
            await self.connection.execute(begin, prepare=False)
            circumstances = await stand(self.connection, replace(request, user=owner))
            writes = parsed.writes or writing
            facts = await catalog.gather(self.connection, parsed.tree, circumstances.schemas, writes=writes)
            return circumstances, facts

        circumstances, self._facts = await self.on_server(work())
        found = self.to_run(circumstances) if request.analyze else verdict.to_plan(self._facts)
        if writing and home in (None, circumstances.identity):
            which = "the other server is the one watched" if home else "which server is watched is not known"
            found.append(Obstacle(f"{which}: a write may run only elsewhere"))
        notes = verdict.unknowns(self._facts, request.analyze)
        return replace(circumstances, notes=(*circumstances.notes, *notes)), found

    def to_run(self, circumstances: Circumstances) -> list[Obstacle]:
        """What stands in the way of running the statement, after `enter`."""
        found = verdict.to_run(self._facts)
        if circumstances.superuser:
            found.append(_SUPERUSER)
        return found

    async def prepare(self, normalised: Normalised, circumstances: Circumstances) -> Prepared:
        """PREPARE under the owner's search_path. Raises ExplainFailed."""
        await self.on_server(set_local(self.connection, "search_path", circumstances.search_path))
        self._preparing = normalised
        prepared = await self.on_server(prepare(self.connection, normalised))
        self._preparing = None
        if self._request.queryid is not None and normalised.parameters:
            self._same = await self.on_server(typed.match(self.connection, prepared, self._request.queryid))
        return prepared

    async def custom(self, prepared: Prepared, values: Mapping[int, str | None]) -> object:
        """The plan for these values, run if that was asked for. Raises ExplainFailed."""
        if not typed.fit(prepared.learned, values):
            prepared.types, prepared.learned = {}, {}
            await self.on_server(prepare_again(self.connection, prepared))
        return await self.on_server(custom(self.connection, values, analyze=self._request.analyze))

    async def choices(
        self, parsed: statement.Statement, prepared: Prepared, circumstances: Circumstances
    ) -> tuple[object, dict[int, dict[Pick, Origin]]]:
        """The generic plan, and what pg_stats offers for its parameters. Raises ExplainFailed."""
        document = await self.on_server(generic(self.connection, prepared, circumstances.version))
        await self.on_server(set_local(self.connection, "search_path", "pg_catalog"))
        lists = prepared.normalised.lists
        found = await self.on_server(choices(self.connection, document, parsed.tree, lists))
        await self.on_server(set_local(self.connection, "search_path", circumstances.search_path))
        return document, found

    async def on_server(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work on the server; its errors become ExplainFailed, no answer ConnectionFailed.

        Cancelling cancels the statement on the server. Neither that nor the work waits for ever on a server
        that no longer answers.
        """
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._request.timeout_ms / 1000 + _GRACE_SECONDS)
        except asyncio.CancelledError:
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
            if not done:
                self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            raise ConnectionFailed(
                f"cannot use {self._target}: the server does not answer any more; check the network"
            )
        try:
            return task.result()
        except psycopg.Error as error:
            raise self._failed(error) from None

    def started(self, circumstances: Circumstances) -> Started:
        """What is about to happen, for the screen."""
        return Started(
            self.connection.info.backend_pid,
            circumstances.server,
            circumstances.database,
            circumstances.role,
            circumstances.search_path,
            self._request.timeout_ms,
        )

    async def result(
        self,
        document: object,
        prepared: Prepared,
        circumstances: Circumstances,
        values: Mapping[int, Origin],
        *,
        is_generic: bool,
    ) -> ExplainResult:
        """The plan with its circumstances. Raises ExplainFailed if the connection breaks."""
        normalised = prepared.normalised
        found = identifier(document)
        wanted = self._request.queryid
        same = self._same
        if not normalised.parameters:
            same = None if found is None or wanted is None else found == wanted
        alike = await self.on_server(self._alike(circumstances)) if same else []
        if alike:
            same = None
        if self._request.elsewhere and same is False:
            # Another server numbers its objects by itself.
            same = None
        notes = [*circumstances.notes, *normalised.notes, *alike]
        if seems_cleaned(normalised.text):
            notes.append("the text has signs for characters that cannot be shown: it is not as it ran")
        if prepared.learned:
            notes.append(typed.told(prepared.learned))
        if same is False:
            notes.append(
                "the Query Identifier differs: this may be another statement (other objects or types);"
                " it cannot be told for sure"
            )
        if is_generic and prepared.unpruned:
            notes.append("all partitions are shown: which of them values would rule out is not known")
        _without_own_settings(document, unpruned=is_generic and prepared.unpruned)
        return ExplainResult(
            document=document,
            text=normalised.text,
            server=circumstances.server,
            elsewhere=self._request.elsewhere,
            database=circumstances.database,
            role=circumstances.role,
            search_path=circumstances.search_path,
            analyzed=self._request.analyze,
            generic=is_generic,
            identifier=found,
            block_size=circumstances.block_size,
            same_statement=same,
            parameters=values,
            notes=tuple(notes),
            elapsed_ms=(time.monotonic() - self._began) * 1000,
        )

    async def _alike(self, circumstances: Circumstances) -> list[str]:
        """Of tables that the text names without a schema: those in several, where the server minds none."""
        names = sorted({one.name for one in self._relations if not one.schema})
        if circumstances.version < 180000 or not names:
            return []
        await set_local(self.connection, "search_path", "pg_catalog")
        cursor = await self.connection.execute(query("explain_alike", 18), {"names": names}, prepare=False)
        return [
            f"{clean(name, lines=False)} is in several schemas ({clean(', '.join(schemas), lines=False)}):"
            " that the program means the one planned is not known"
            for name, schemas in await cursor.fetchall()
        ]

    def _abandon(self, task: asyncio.Future[Any]) -> None:
        self.connection.pgconn.finish()
        task.cancel()

    def _failed(self, error: psycopg.Error) -> ExplainFailed:
        """The server's error in its own words, with advice, its place mapped back, and remembered."""
        state = error.sqlstate or ""
        advice = _ADVICE.get(state, "")
        if state == "57014":
            advice = f"it ran into the timeout of {self._request.timeout_ms / 1000:g} s"
        place = error.diag.statement_position
        position = None
        if place and place.isdigit() and self._preparing is not None and int(place) > PREFIX:
            position = self._preparing.original(int(place) - 1 - PREFIX)
        message = first_line(error)
        failure = ExplainFailed(f"{message}; {advice}" if advice else message, state, position)
        if self._failures is not None:
            self._failures.remember(str(self._target), self._request, failure)
        return failure


def _without_own_settings(document: object, *, unpruned: bool) -> None:
    """Leave out of the plan's settings what only this way of explaining set."""
    whole = document[0] if isinstance(document, list) and document else None
    settings = whole.get("Settings") if isinstance(whole, dict) else None
    if isinstance(settings, dict):
        settings.pop("plan_cache_mode", None)
        if unpruned:
            settings.pop("enable_partition_pruning", None)
