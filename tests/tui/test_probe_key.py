"""The key that probes a session: what it runs in a row, in one transaction, is told within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from pgscope.capture.live import LiveSource
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.session import SessionScreen
from tests.tui.driving import cells, shown, until


@pytest.fixture
def looping(pg18_database: str) -> Iterator[None]:
    """A program that asks thirty times in each transaction."""
    stop = threading.Event()

    def run() -> None:
        with psycopg.connect(pg18_database, application_name="t-looping") as client:
            while not stop.is_set():
                with client.transaction():
                    for number in range(30):
                        client.execute("select %s::int8 as t_asked", [number])
                        time.sleep(0.008)

    with psycopg.connect(pg18_database, autocommit=True) as admin:
        admin.execute("create extension if not exists pg_stat_statements")
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_p_tells_what_a_session_runs_in_a_row(
    looping: None, pg18_database: str, size: tuple[int, int]
) -> None:
    app = PgscopeApp(LiveSource(target(pg18_database), interval=0.5, budget=1.0), title="test")
    async with app.run_test(size=size) as pilot:
        await pilot.press("2", "slash", *"app:t-looping", "enter")
        await until(pilot, lambda: len(cells(app)) == 1, "the session")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen), "its screen")
        assert "looks in" not in shown(app)
        await pilot.press("p")
        await until(pilot, lambda: "looks in" in shown(app), "the probe")
        (line,) = [line for line in shown(app).splitlines() if "t_asked" in line and "x in " in line]
        assert int(line.split("x in")[0]) >= 3
        assert "transaction" in line
