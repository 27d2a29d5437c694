"""Standing where the statement's owner stood: role, search_path and planner settings, for one transaction."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pgscope.dataclass import dataclass
from pgscope.server.connection import Connection
from pgscope.server.explain.request import ExplainRequest
from pgscope.server.queries import query
from pgscope.text import clean, one_line


@dataclass(frozen=True)
class Circumstances:
    """Who and where the statement will be planned as."""

    server: str
    version: int
    """server_version_num: 160004."""
    identity: str
    """Differs between any two running servers."""
    database: str
    role: str
    superuser: bool
    """Whether the connection or the role is a superuser's; a connection's superuser can always come back."""
    block_size: int
    """Bytes."""
    search_path: str
    schemas: tuple[str, ...]
    notes: tuple[str, ...]


async def stand(connection: Connection, request: ExplainRequest) -> Circumstances:
    """Take the owner's place inside the open transaction, then leave the search_path at pg_catalog.

    Raises psycopg.Error.
    """
    usual = await _usual(connection)
    for name, value in (
        ("search_path", "pg_catalog"),
        ("statement_timeout", str(request.timeout_ms)),
        ("lock_timeout", str(request.lock_timeout_ms)),
        # pglast reads strings as the standard does; the server must read the same text the same way.
        ("standard_conforming_strings", "on"),
    ):
        await set_local(connection, name, value)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query("explain_circumstances", 14), {"role": request.user or None})
        row: dict[str, Any] = await cursor.fetchone() or {}
    notes: list[str] = []
    role = row["session_role"]
    settings = dict(entry.split("=", 1) for entry in row["settings"])
    if request.user and request.user != role:
        if await _set_role(connection, request.user):
            role = request.user
        else:
            notes.append(
                f"planned as {clean(role, lines=False)}, which may not SET ROLE"
                f" {clean(request.user, lines=False)} (rights, row security and search_path may differ)"
            )
        # Neither way are those of the role connected as the owner's.
        own = {name: there.built_in for name, there in usual.items() if there.own and name not in settings}
        if own:
            listed = ", ".join(sorted(own))
            notes.append(f"without settings of {clean(row['session_role'], lines=False)} alone: {listed}")
        settings = {**own, **settings}
    path = request.search_path or settings.get("search_path", usual["search_path"].setting)
    settings.pop("search_path", None)
    for name, value in settings.items():
        await _try_setting(connection, name, value)
    schemas = await _schemas(connection, path)
    info = connection.info
    standby = ", standby" if row["standby"] else ""
    return Circumstances(
        server=f"{info.host or 'local'}:{info.port}, PostgreSQL {row['version']}{standby}",
        version=row["version_num"],
        identity=row["identity"],
        database=clean(row["database"], lines=False),
        role=clean(role, lines=False),
        superuser=row["superuser"] or await _is_superuser(connection),
        block_size=row["block_size"],
        search_path=path,
        schemas=schemas,
        notes=tuple(notes),
    )


class _Usual(NamedTuple):
    """A setting as it was when the connection was made."""

    setting: str
    built_in: str
    own: bool
    """Whether it is one of the role connected as."""


async def _usual(connection: Connection) -> dict[str, _Usual]:
    await connection.execute("RESET search_path", prepare=False)
    cursor = await connection.execute(query("explain_usual", 14), prepare=False)
    return {name: _Usual(*rest) for name, *rest in await cursor.fetchall()}


async def set_local(connection: Connection, name: str, value: str) -> None:
    """SET LOCAL by its function, so that the value is a parameter."""
    await connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value), prepare=False)


async def _set_role(connection: Connection, role: str) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)), prepare=False)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.errors.InvalidParameterValue:
        # The role was dropped, or is hidden.
        return False
    return True


async def _try_setting(connection: Connection, name: str, value: str) -> None:
    try:
        async with connection.transaction():
            await set_local(connection, name, value)
    except psycopg.DatabaseError as error:
        # A setting that the server would ignore with a warning at login; so do we.
        if error.sqlstate is None:
            raise


async def _schemas(connection: Connection, path: str) -> tuple[str, ...]:
    await set_local(connection, "search_path", path)
    cursor = await connection.execute(
        "SELECT pg_catalog.current_schemas(true)::pg_catalog.text[]", prepare=False
    )
    row = await cursor.fetchone()
    await set_local(connection, "search_path", "pg_catalog")
    return tuple(row[0]) if row else ()


async def _is_superuser(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT pg_catalog.current_setting('is_superuser')", prepare=False)
    row = await cursor.fetchone()
    return bool(row and row[0] == "on")


def first_line(error: psycopg.Error) -> str:
    """What the server said, on one line."""
    return one_line(clean(error.diag.message_primary or str(error)))
