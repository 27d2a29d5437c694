"""The Statements view where the server counts no statements: what sessions were seen running."""

from __future__ import annotations

import psycopg
import pytest

from pgscope.capture.live import LiveSource
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from tests.tui.driving import cells, until


@pytest.mark.parametrize("why", ["no extension", "no query ids"])
async def test_statements_come_from_the_sessions(why: str, pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as admin:
        if why == "no extension":
            admin.execute("drop extension if exists pg_stat_statements")
        else:
            admin.execute("create extension if not exists pg_stat_statements")
            admin.execute(f'alter database "{admin.info.dbname}" set compute_query_id = off')
    with psycopg.connect(pg_database, autocommit=True, application_name="t-uncounted") as client:
        client.execute("select 1 as t_uncounted")
        app = PgscopeApp(LiveSource(target(pg_database), interval=0.2, budget=1.0), title="test")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await until(pilot, lambda: any("t_uncounted" in row for row in cells(app)), "the statement")

            def own() -> bool:
                seen = app.snapshot.live_statements
                return any(one.key.application_name == "pgscope" for one in seen)

            await until(pilot, own, "statements of its own")
            assert not any("/* pgscope */" in row for row in cells(app))
            await pilot.press("o")
            await until(pilot, lambda: any("/* pgscope */" in row for row in cells(app)), "its own")
