"""One database for each major and run: TPC-H's tables, pgbench's, and tables for plans of every shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgscope.embedded import EmbeddedServer

HERE = Path(__file__).parent
NAME = "pgscope_plans"


def statements(path: Path) -> list[tuple[str, str]]:
    """The statements of a file whose titles stand on comment lines: title, text."""
    found = []
    for part in path.read_text().split("-- Q")[1:]:
        title, _, text = part.partition("\n")
        found.append((f"Q{title}", text.strip().rstrip(";")))
    return found


@pytest.fixture(scope="session")
def plan_database() -> Iterator[Callable[[EmbeddedServer], str]]:
    """Makes the database on a server the first time it is asked for; returns its conninfo."""
    made: dict[str, EmbeddedServer] = {}

    def make(server: EmbeddedServer) -> str:
        if server.conninfo not in made:
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
            made[server.conninfo] = server
            with psycopg.connect(server.conninfo_for(NAME), autocommit=True) as connection:
                # VACUUM marks no page all-visible whose transaction may still be unflushed.
                connection.execute("SET synchronous_commit = on")
                for file in ("tpch.sql", "shapes.sql"):
                    connection.execute((HERE / file).read_bytes())
                connection.execute("VACUUM (ANALYZE)")
        return server.conninfo_for(NAME)

    yield make
    for server in made.values():
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(NAME)))


@pytest.fixture(scope="session")
def plans_on(pg: EmbeddedServer, plan_database: Callable[[EmbeddedServer], str]) -> str:
    """The conninfo of the plans database, on each major."""
    return plan_database(pg)
