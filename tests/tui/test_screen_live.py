"""The screen on a real server: what sessions do comes up, can be drilled into, and is shown as plain text."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.group import GroupScreen
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.details.statement import StatementScreen
from pgscope.tui.frame import Frame
from pgscope.tui.keyline import KeyLine
from pgscope.tui.views.applications import ApplicationsView
from pgscope.tui.views.sessions import SessionsView
from pgscope.tui.views.statements import StatementsView
from tests.conftest import FreshServer
from tests.tui.driving import cells, shown, table, until

SIZES = [(80, 24), (200, 60)]
HOSTILE = "SELECT '[/foo] [red]x[/red] [@click=app.quit]y[/]' AS \"b[bold\", 'caf\u00e9', $$\x1b[31m$$ FROM t"


@pytest.fixture
def shop(pg_database: str) -> Iterator[psycopg.Connection]:
    """A session of `shop` that is idle in transaction after a hostile statement, and holds a lock."""
    with psycopg.connect(pg_database, application_name="shop[/b]", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE t")
        connection.execute(HOSTILE)
        yield connection


def app_for(conninfo: str) -> PgscopeApp:
    return PgscopeApp(LiveSource(target(conninfo), interval=0.2, budget=1.0), title="test")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.one_major("of keys and screens")
async def test_drills_from_application_to_session_and_statement(
    size: tuple[int, int], shop: psycopg.Connection, pg_database: str
) -> None:
    app = app_for(pg_database)
    async with app.run_test(size=size) as pilot:
        assert isinstance(app.screen, ApplicationsView)
        await until(pilot, lambda: any("shop[/b]" in row for row in cells(app)), "the application's row")
        await until(pilot, lambda: "shop[/b]" in shown(app), "its name on the screen")

        table(app).move_to_key(("application", "shop[/b]"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, GroupScreen), "its sessions and statements")
        assert len(cells(app, "#group-sessions")) == 1

        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen), "the session")
        await until(pilot, lambda: "idle in tx" in shown(app), "its state")
        await until(pilot, lambda: "[@click=app.quit]y[/]" in shown(app), "its statement, as it is")
        assert app.screen.query_one(SqlText).region.width > 0
        assert app.is_running

        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, GroupScreen), "back in the group")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ApplicationsView), "back in the view")


async def test_a_statement_is_shown_with_its_counters(shop: psycopg.Connection, pg_database: str) -> None:
    app = app_for(pg_database)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        assert isinstance(app.screen, StatementsView)
        await pilot.press("slash", *"query:b.bold", "enter")
        await until(pilot, lambda: any("b[bold" in row for row in cells(app)), "the statement")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StatementScreen), "its screen")
        await until(pilot, lambda: '"b[bold"' in shown(app), "its text")
        assert "rows/c" in shown(app)


@pytest.mark.one_major("of words; who waits for whom is tested on each in tests/locks")
async def test_a_wait_for_a_lock_is_told_with_a_word(shop: psycopg.Connection, pg_database: str) -> None:
    app = app_for(pg_database)
    waiter = await psycopg.AsyncConnection.connect(pg_database, application_name="patient", autocommit=True)
    async with waiter, app.run_test(size=(80, 24)) as pilot:
        query = app.run_worker(waiter.execute("SELECT * FROM t"), exit_on_error=False)
        await pilot.press("2")
        assert isinstance(app.screen, SessionsView)
        await until(pilot, lambda: any("waiting" in row for row in cells(app)), "the waiting session")
        await until(pilot, lambda: "blocks 1" in cells(app)[0], "the culprit at the top")
        assert "shop[/b]" in cells(app)[0]
        assert "patient" in cells(app)[1], "then who waits"
        await pilot.press("j", "enter")
        await until(pilot, lambda: "blocked by" in shown(app), "its blocker")
        assert f"{shop.info.backend_pid} (shop[/b])" in shown(app)
        shop.execute("ROLLBACK")
        await query.wait()


async def test_a_text_that_was_cut_off_is_shown_whole(pg_database: str) -> None:
    app = app_for(pg_database)
    with psycopg.connect(pg_database, application_name="wordy", autocommit=True) as connection:
        connection.execute(b"SELECT " + b"1, " * 500 + b"2 AS the_very_end")
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: any("wordy" in row for row in cells(app)), "the session")
            await pilot.press("slash", *"app:wordy", "enter")
            await until(pilot, lambda: len(cells(app)) == 1, "it alone")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, SessionScreen), "its screen")
            await until(pilot, lambda: "whole text from pg_stat_statements" in shown(app), "where it is from")
            assert isinstance(app.screen, SessionScreen)
            assert app.screen.copied().endswith("$501 AS the_very_end")


@pytest.mark.one_major("of the screen; the loss is tested on each in tests/test_live.py")
async def test_a_lost_server_is_a_state_and_no_error(fresh_pg: FreshServer, pg_major: int) -> None:
    server = fresh_pg(pg_major)
    app = app_for(server.conninfo)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: f"PostgreSQL {pg_major}." in shown(app), "the server")
        server.stop("immediate")
        await until(pilot, lambda: "lost" in shown(app), "the loss")
        assert app.is_running
        assert isinstance(app.screen, Frame)


async def test_seven_keys_stand_in_the_footer(pg18: EmbeddedServer) -> None:
    app = app_for(pg18.conninfo)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in "1234":
            await pilot.press(key)
            await pilot.pause()
            keys = app.screen.query_one(KeyLine).keys
            assert 5 <= len(keys) <= 8
            assert all(key.end <= 80 for key in keys), "all of them can be seen"
