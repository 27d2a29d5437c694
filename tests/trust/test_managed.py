"""A managed server that took functions away from everybody: each view says what it cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgscope.capture.live import LiveSource
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from tests.tui.driving import cells, shown, until

GONE = {
    "pg_lock_status()": "pg_locks cannot be read",
    "pg_prepared_xact()": "pg_prepared_xacts cannot be read",
    "pg_stat_get_db_xact_commit(oid)": "pg_stat_database cannot be read",
    "pg_stat_get_progress_info(text)": "pg_stat_progress_* cannot be read",
    "pg_stat_statements(boolean)": "pg_stat_statements cannot be read",
}


@pytest.fixture
def managed(pg_database: str) -> Iterator[str]:
    """A role like that of a service's customers, and sessions of which one waits for another."""
    with ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(pg_database, autocommit=True))
        admin.execute("create role t_managed login in role pg_monitor")
        admin.execute("create table t_orders (id int)")
        for function in GONE:
            admin.execute(f"revoke execute on function {function} from public, pg_monitor".encode())
        holder, waiter = (
            stack.enter_context(psycopg.connect(pg_database, autocommit=True, application_name="t-shop"))
            for _ in range(2)
        )
        holder.execute("begin")
        holder.execute("lock table t_orders")
        waiter.pgconn.send_query(b"create index on t_orders (id)")
        try:
            yield make_conninfo(pg_database, user="t_managed")
        finally:
            holder.execute("rollback")
            while waiter.pgconn.get_result() is not None:
                pass
            admin.execute("drop role t_managed")


async def test_each_view_says_what_is_gone(managed: str) -> None:
    app = PgscopeApp(LiveSource(target(managed), interval=0.1, budget=1.0), title="managed")
    async with app.run_test(size=(140, 40)) as pilot:

        async def view(key: str, words: str) -> None:
            await pilot.press(key)
            await until(pilot, lambda: words in shown(app), f"{words} in view {key}")

        await until(pilot, lambda: any("t-shop" in row for row in cells(app)), "the applications")
        await until(
            pilot,
            lambda: all(words in " ".join(app.snapshot.notices) for words in GONE.values()),
            "what is gone",
        )
        await pilot.press("n")
        for words in GONE.values():
            await until(pilot, lambda words=words: words in shown(app), words)  # type: ignore[misc]
        assert "permission denied" in shown(app)
        await pilot.press("escape")
        await view("2", "t-shop")
        # As seen in sessions, since they are not counted.
        await view("3", "create index on t_orders")
        await view("4", "pg_locks cannot be read: who waits for whom is not known")
        assert "obody waits" not in shown(app)
        await view("5", "5 Findings")
        await view("6", "6 Plans")
        assert app.snapshot.link.connected
