"""One database of traps for each major and run, and the state of all of it in a few figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgscope.embedded import EmbeddedServer
from pgscope.server.conninfo import Target, target

NAME = "pgscope_explain"
ROLES = ("app_owner", "reader", "stranger")


@pytest.fixture(autouse=True)
def all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program's statement was is looked for to the end, however busy the machine."""
    monkeypatch.setattr("pgscope.server.explain.typed._SECONDS", 60.0)


def _build(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    with psycopg.connect(server.conninfo_for(NAME), autocommit=True) as connection:
        connection.execute((Path(__file__).parent / "world.sql").read_bytes())
        connection.execute("VACUUM (ANALYZE)")


def _drop(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(NAME)))
        for role in ROLES:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture(scope="session")
def world(pg: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """The server with the database of traps, on each major."""
    _build(pg)
    yield pg
    _drop(pg)


@pytest.fixture(scope="session")
def admin(world: EmbeddedServer) -> Target:
    """The superuser, in the database of traps."""
    return target(world.conninfo_for(NAME))


@pytest.fixture(scope="session")
def reader(world: EmbeddedServer) -> Target:
    """An ordinary role that may SET ROLE app_owner."""
    return target(world.conninfo_for(NAME), user="reader")


@pytest.fixture(scope="session")
def stranger(world: EmbeddedServer) -> Target:
    """An ordinary role with no rights on the tables."""
    return target(world.conninfo_for(NAME), user="stranger")


def state(server: Target) -> dict[str, object]:
    """Everything that a statement could have changed: rows, objects, sequences, settings, locks."""
    found: dict[str, object] = {}
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT n.nspname, c.relname, c.relkind::text FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'S', 'm') AND n.nspname IN ('app', 'trap', 'public') ORDER BY 1, 2"
        ).fetchall()
        for schema, table, kind in tables:
            if kind == "S":
                query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, table))
                found[table] = connection.execute(query).fetchone()
                continue
            # COPY reads a table without planning, which would spring the traps.
            with connection.cursor().copy(
                sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))
            ) as copy:
                found[table] = sorted(bytes(row) for row in copy)
        for name, text in {
            "objects": "SELECT count(*), max(oid) FROM pg_class WHERE oid >= 16384",
            "functions": "SELECT count(*), sum(hashtext(p::text)::bigint) FROM pg_proc p WHERE oid >= 16384",
            "settings": "SELECT sum(hashtext(s::text)::bigint) FROM pg_db_role_setting s",
            "roles": "SELECT sum(hashtext(rolname || rolsuper::text)::bigint) FROM pg_roles",
            "advisory": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
            "reset": "SELECT max(stats_reset) FROM pg_stat_database",
            "prepared": "SELECT count(*) FROM pg_prepared_xacts",
            "large": "SELECT count(*) FROM pg_largeobject_metadata",
            "open": "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgscope'"
            " AND state LIKE 'idle in%'",
            "slots": "SELECT count(*) FROM pg_replication_slots",
        }.items():
            found[name] = connection.execute(text.encode()).fetchone()
    return found
