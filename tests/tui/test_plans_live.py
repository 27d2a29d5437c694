"""Explaining from the screen, on a real server: planned, run, cancelled, refused, kept and compared."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from textual.pilot import Pilot
from textual.widgets import Input

from pgscope.capture.explaining import Explaining
from pgscope.capture.live import LiveSource
from pgscope.capture.plan_store import PlanStore
from pgscope.server.conninfo import Target, target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.keyline import KeyLine
from pgscope.tui.plans.ask import AskAnalyze
from pgscope.tui.plans.compare import CompareScreen
from pgscope.tui.plans.job import Ended, Running
from pgscope.tui.plans.reading import Reading
from pgscope.tui.plans.screen import PlanScreen
from pgscope.tui.plans.subject import Subject
from pgscope.tui.table import LiveTable
from tests.conftest import NewDatabase
from tests.servers import Servers
from tests.tui.driving import cells, shown, table, until

SLOW = (
    "SELECT count(*) FROM generate_series(1, 2000) a, generate_series(1, 2000) b, generate_series(1, 2000) c"
)
ROLE = "plan_reader"


@pytest.fixture
def shop(pg_database: str) -> Iterator[psycopg.Connection]:
    """A table with statistics, a role that may read it, and a session that has just read it."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        admin.execute(
            "CREATE TABLE orders AS SELECT i AS id, i % 100 AS customer FROM generate_series(1, 20000) i"
        )
        admin.execute("ALTER TABLE orders ADD PRIMARY KEY (id)")
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_monitor").format(sql.Identifier(ROLE)))
        admin.execute(sql.SQL("GRANT SELECT, UPDATE ON orders TO {}").format(sql.Identifier(ROLE)))
        admin.execute(
            "CREATE FUNCTION harmless(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END'"
        )
        admin.execute("VACUUM (ANALYZE) orders")
    try:
        with psycopg.connect(
            target(pg_database, user=ROLE).conninfo(), application_name="shop", autocommit=True
        ) as connection:
            yield connection
    finally:
        with psycopg.connect(pg_database, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(ROLE)))
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


@pytest.fixture
def reader(pg_database: str) -> Target:
    """The server as a role that is no superuser."""
    return target(pg_database, user=ROLE)


def app_for(reader: Target, folder: Path) -> PgscopeApp:
    explaining = partial(Explaining, reader, store=PlanStore(folder))
    return PgscopeApp(LiveSource(reader, interval=0.3, budget=1.0), title="test", explaining=explaining)


async def to_statement(app: PgscopeApp, pilot: Pilot[None], words: str) -> None:
    """Go to the Statements view, to the only statement of our role with these words."""
    await pilot.press("3")
    app.set_filter(f"{words} user:{ROLE}")
    await until(pilot, lambda: len(cells(app)) == 1, f"the statement {words!r}")


def plan(app: PgscopeApp) -> PlanScreen:
    assert isinstance(app.screen, PlanScreen), app.screen
    return app.screen


async def asked(app: PgscopeApp, pilot: Pilot[None], what: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, AskAnalyze) and what in shown(app), f"asked: {what}")


@pytest.mark.one_major("keys and what they show; what is planned and run is tested on each in tests/explain")
@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["small", "large"])
async def test_e_plans_and_shift_e_runs_after_asking(
    size: tuple[int, int],
    shop: psycopg.Connection,
    reader: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plan a statement, run it with a value chosen, and look at all of its plan."""
    monkeypatch.chdir(tmp_path)
    shop.execute("SELECT id FROM orders WHERE customer = 7 ORDER BY id")
    app = app_for(reader, tmp_path / "plans")
    async with app.run_test(size=size) as pilot:
        await to_statement(app, pilot, "orders")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the plan's screen")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "the plan")
        await until(pilot, lambda: "Seq Scan on orders" in shown(app), "its tree")
        assert "not run" in shown(app)
        assert "matches: the same statement" in shown(app), "the Query Identifier"
        await pilot.press("escape", "enter", "e")
        await until(pilot, lambda: "› plan" in shown(app), "the same from the screen of the statement")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "the plan again")

        await pilot.press("E")
        await asked(app, pilot, "Run this statement")
        text = shown(app)
        for told in (ROLE, "search_path", "timeout 30 s", "mean", "longest", "pg_stats", "customer = $1"):
            assert told in text, told
        await pilot.press("enter", *"7", "enter")
        await until(pilot, lambda: "typed in" in shown(app), "the value typed in")
        await pilot.press("c")
        await until(
            pilot, lambda: "most common value of orders.customer" in shown(app), "the most common value"
        )
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the run")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "its plan")
        await until(pilot, lambda: "own blk" in shown(app), "blocks of each node")
        assert "ran" in shown(app)
        state = plan(app).state
        assert isinstance(state, Reading) and state.plan.root.inclusive.blocks > 0

        await pilot.press("b")
        assert (
            "Seq Scan on orders"
            in cells(app)[table(app).rows.index(table(app).cursor_row or table(app).rows[0])]
        )
        await pilot.press("enter")
        await until(pilot, lambda: "Filter: (orders.customer =" in shown(app), "the condition of the node")
        assert "rows removed by filter" in shown(app)
        keys = app.screen.query_one(KeyLine).keys
        assert keys and all(key.end <= size[0] for key in keys), "all keys can be seen"

        await pilot.press("home", "z")
        assert len(cells(app)) == 1 and "below" in cells(app)[0], "folded"
        await pilot.press("z")
        assert len(cells(app)) > 1

        await pilot.press("i")
        await until(
            pilot, lambda: "most common value of orders.customer" in shown(app), "where the value came from"
        )
        await pilot.press("w")
        await pilot.pause()
        (saved,) = tmp_path.glob("plan-*.json")
        assert saved.stat().st_mode & 0o077 == 0
        assert json.loads(saved.read_text())[0]["Plan"]["Node Type"]
        await pilot.press("tab")
        await until(pilot, lambda: "blocks:" in shown(app), "the plan as text")
        await pilot.press("tab", "y")
        assert json.loads(app._clipboard)[0]["Plan"]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PlanScreen), "back where the statement is")


async def running_slowly(app: PgscopeApp, pilot: Pilot[None], admin: psycopg.Connection) -> None:
    """Run a statement that takes hours."""
    app.planner.ask(Subject(SLOW, admin.info.dbname, ROLE, None), ("Statements",))
    await asked(app, pilot, "Run this statement")
    await pilot.press("y")
    await until(pilot, lambda: "Escape cancels" in shown(app), "its progress")
    await until(pilot, lambda: count_running(admin), "it runs on the server")


def count_running(admin: psycopg.Connection) -> int:
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE '%%EXECUTE%%' AND state = 'active' AND usename = %s",
        [ROLE],
    ).fetchone()
    return int(row[0]) if row else 0


def stopped_after(admin: psycopg.Connection, began: float) -> float:
    """Wait until the server runs it no longer; how many seconds that took."""
    while count_running(admin) and time.monotonic() - began < 30:
        time.sleep(0.01)
    return time.monotonic() - began


async def test_escape_cancels_a_running_one_on_the_server(
    shop: psycopg.Connection, reader: Target, tmp_path: Path, pg_database: str
) -> None:
    app = app_for(reader, tmp_path)
    with psycopg.connect(pg_database, autocommit=True) as admin:
        async with app.run_test(size=(80, 24)) as pilot:
            await running_slowly(app, pilot, admin)
            assert isinstance(plan(app).state, Running)
            before = app.snapshot.mono
            await until(pilot, lambda: app.snapshot.mono > before, "the rest is live meanwhile")
            # In a thread: the time until the test's own loop comes round says nothing of the server.
            took = asyncio.create_task(asyncio.to_thread(stopped_after, admin, time.monotonic()))
            await pilot.press("escape")
            assert await took < 5, "well before giving up, even on a slow machine"
            await until(pilot, lambda: "cancelled" in shown(app), "it says so")
            state = plan(app).state
            assert isinstance(state, Ended) and state.error is None
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, PlanScreen), "back")


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_it_goes_on_while_another_view_is_looked_at(
    shop: psycopg.Connection, reader: Target, tmp_path: Path, pg_database: str
) -> None:
    app = app_for(reader, tmp_path)
    with psycopg.connect(pg_database, autocommit=True) as admin:
        async with app.run_test(size=(80, 24)) as pilot:
            await running_slowly(app, pilot, admin)
            await pilot.press("2")
            await until(pilot, lambda: not isinstance(app.screen, PlanScreen), "another view")
            assert count_running(admin), "it goes on"
            await pilot.press("6")
            await until(pilot, lambda: isinstance(app.screen, PlanScreen), "back at it")
            assert "Escape cancels" in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: "cancelled" in shown(app), "it says so")
            await until(pilot, lambda: not count_running(admin), "it ended on the server")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, PlanScreen), "the Plans view")

            subject = Subject("SELECT id FROM orders", admin.info.dbname, ROLE, None)
            app.planner.explain(subject, ("Statements",))
            await pilot.press("2")
            await until(pilot, lambda: any("6 shows it" in one.message for one in app._notifications), "told")


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_another_server_makes_the_plans(
    shop: psycopg.Connection, reader: Target, tmp_path: Path, servers: Servers, new_database: NewDatabase
) -> None:
    other = new_database(servers.server(17))
    with psycopg.connect(other, autocommit=True) as admin:
        admin.execute("CREATE TABLE orders AS SELECT i AS id, 1 AS customer FROM generate_series(1, 50) i")
    shop.execute("UPDATE orders SET customer = 1 WHERE id = 5")
    explaining = partial(
        Explaining, reader, elsewhere=target(other), allow_superuser_analyze=True, store=PlanStore(tmp_path)
    )
    app = PgscopeApp(LiveSource(reader, interval=0.3, budget=1.0), title="test", explaining=explaining)
    async with app.run_test(size=(120, 30)) as pilot:
        await to_statement(app, pilot, "UPDATE")
        await pilot.press("E")
        await asked(app, pilot, "give every parameter a value")
        await pilot.press("l")
        await asked(app, pilot, "Run this statement")
        assert "PostgreSQL 17" in shown(app), "where it will run"
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the run")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "its plan")
        await until(pilot, lambda: "Update on orders" in shown(app), "the write was run there")
        if "another server" not in shown(app):
            await pilot.press("i")
        await until(pilot, lambda: "another server" in shown(app), "the plan says which server made it")
    with psycopg.connect(other, autocommit=True) as admin:
        assert admin.execute("SELECT count(DISTINCT customer) FROM orders").fetchone() == (1,)


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_quitting_cancels_it_too(
    shop: psycopg.Connection, reader: Target, tmp_path: Path, pg_database: str
) -> None:
    app = app_for(reader, tmp_path)
    explaining = app.planner.explaining
    assert explaining is not None
    with psycopg.connect(pg_database, autocommit=True) as admin:
        async with app.run_test(size=(80, 24)) as pilot:
            await running_slowly(app, pilot, admin)
            await pilot.press("q")
        began = time.monotonic()
        await explaining.close()
        assert stopped_after(admin, began) < 5, "long before its timeout"


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_a_write_is_planned_and_not_run_and_says_why(
    shop: psycopg.Connection, reader: Target, tmp_path: Path
) -> None:
    shop.execute("UPDATE orders SET customer = 1 WHERE id = 5")
    app = app_for(reader, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_statement(app, pilot, "UPDATE")
        await pilot.press("E")
        await asked(app, pilot, "not run")
        text = shown(app)
        assert "UPDATE writes" in text or "writes" in text
        assert "^" in text, "the place in the text"
        assert "--explain-conninfo" in text, "what would allow it"
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, AskAnalyze), "y runs nothing"
        await pilot.press("escape", "e")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the plan's screen")
        await until(pilot, lambda: "Update on orders" in shown(app), "the plan of the write")


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
@pytest.mark.parametrize("size", [(40, 12), (80, 16), (80, 20)])
async def test_on_a_low_terminal_all_that_is_asked_and_answered_is_in_view(
    size: tuple[int, int], shop: psycopg.Connection, reader: Target, tmp_path: Path
) -> None:
    shop.execute("UPDATE orders SET customer = 1 WHERE id = 5")
    shop.execute("SELECT id, customer FROM orders WHERE customer = 7 AND id > 3 AND id < 9 AND id <> 4")
    app = app_for(reader, tmp_path)
    async with app.run_test(size=size) as pilot:
        await to_statement(app, pilot, "UPDATE")
        await pilot.press("E")
        await asked(app, pilot, "not run")
        assert "writes" in shown(app)
        await pilot.press("escape")
        await to_statement(app, pilot, "customer !UPDATE")
        await pilot.press("E")
        await asked(app, pilot, "$1")
        await pilot.press("enter")
        for part in (LiveTable, Input):
            seen = app.screen.query_one(part).region
            assert seen.height and app.screen.region.contains_region(seen), part
        await pilot.press("ctrl+u", *"12", "enter")
        assert "typed in" in shown(app) or size == (40, 12)
        await pilot.press("escape")


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_a_superuser_may_not_run_unless_it_was_allowed(
    shop: psycopg.Connection, pg_database: str, tmp_path: Path
) -> None:
    app = app_for(target(pg_database), tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.planner.ask(Subject("SELECT 1 FROM orders", "", "", None), ("Statements",))
        await asked(app, pilot, "not run")
        assert "ANALYZE as a superuser" in shown(app)
        assert "--allow-superuser-analyze" in shown(app)


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_planning_asks_before_it_may_call_a_function(
    shop: psycopg.Connection, reader: Target, tmp_path: Path
) -> None:
    shop.execute("SELECT id FROM orders WHERE customer = harmless(3)")
    app = app_for(reader, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_statement(app, pilot, "harmless")
        await pilot.press("e")
        await until(pilot, lambda: "user-defined function" in shown(app), "the refusal")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "the plan after a yes")


async def test_a_live_statement_is_run_with_its_own_values(
    shop: psycopg.Connection, reader: Target, tmp_path: Path
) -> None:
    shop.execute("SELECT id FROM orders WHERE customer = 42")
    app = app_for(reader, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_statement(app, pilot, "orders")
        await pilot.press("E")
        await asked(app, pilot, "Run this statement")
        await pilot.press("l")
        await asked(app, pilot, "customer = 42")
        await asked(app, pilot, "Run this statement")
        assert f"as run by pid {shop.info.backend_pid}" in shown(app)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the run")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "its plan")
        state = plan(app).state
        assert isinstance(state, Reading)
        assert "42" in state.json


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_plans_are_kept_marked_and_compared(
    shop: psycopg.Connection, reader: Target, tmp_path: Path, pg_database: str
) -> None:
    shop.execute("SELECT id FROM orders WHERE customer = 9")
    app = app_for(reader, tmp_path)
    async with app.run_test(size=(120, 30)) as pilot:
        await to_statement(app, pilot, "orders")
        for place in range(2):
            await pilot.press("E")
            await asked(app, pilot, "Run this statement")
            await pilot.press("c", "y")
            await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the run")
            await until(pilot, lambda: isinstance(plan(app).state, Reading), "its plan")
            if not place:
                with psycopg.connect(pg_database, autocommit=True) as admin:
                    admin.execute("CREATE INDEX by_customer ON orders (customer)")
                await pilot.press("escape")
                await until(pilot, lambda: len(cells(app)) == 1, "back at the statement")
        assert "plan changed: Seq Scan to Bitmap Heap Scan" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(cells(app)) == 1, "back at the statement, its EXPLAINs left out")
        await pilot.press("o")
        await until(pilot, lambda: any("EXPLAIN" in row for row in cells(app)), "pgscope's own, if asked for")
        await pilot.press("o")
        app.set_filter("")
        await pilot.press("6")
        await until(pilot, lambda: len(cells(app)) == 2, "both plans")
        assert "plan changed: Seq Scan to" in cells(app)[0]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen), "side by side")
        await until(
            pilot, lambda: "Seq Scan on orders" in shown(app) and "Bitmap" in shown(app), "both trees"
        )
        assert "plan changed" in shown(app)
        await pilot.press("escape", "m", "down", "m", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen), "the two marked")
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "a plan opened")
        await until(pilot, lambda: "queryid" in shown(app) and ", 20" in shown(app), "when it was kept")


@pytest.mark.one_major("of the screen; what is sent is tested on each in tests/explain")
async def test_plans_of_other_servers_are_shown_only_if_asked_for(
    shop: psycopg.Connection, reader: Target, tmp_path: Path
) -> None:
    shop.execute("SELECT id FROM orders WHERE customer = 11")
    app = app_for(reader, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_statement(app, pilot, "orders")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "the plan's screen")
        await until(pilot, lambda: isinstance(plan(app).state, Reading), "its plan")
        store = PlanStore(tmp_path)
        await until(pilot, lambda: len(store.everything()) == 1, "the plan kept")
        here = store.everything()[0]
        elsewhere = replace(here, server="far.example:5432, PostgreSQL 17.2")
        upgraded = replace(here, server=here.server.replace("PostgreSQL 18", "PostgreSQL 17"), at=here.at - 9)
        for one in (elsewhere, upgraded):
            store.save(one)
        await pilot.press("escape")
        app.set_filter("")
        await pilot.press("6")
        await until(pilot, lambda: len(cells(app)) == 2, "those of this server, an older version's too")
        assert not any("far.example" in row for row in cells(app))
        assert "2  here, 1 elsewhere (a)" in shown(app)
        await pilot.press("a")
        await until(pilot, lambda: len(cells(app)) == 3, "all")
        assert "of all servers" in shown(app)
        await pilot.press("a")
        await until(pilot, lambda: len(cells(app)) == 2, "those of this server again")
