"""The demo: each program does what it is there to show, and nothing is left of it."""

from __future__ import annotations

import os
import pty
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from pgscope.demo import Demo, DemoMissingError, start_demo
from pgscope.demo.roster import ROSTER
from tests.leftovers import Owner, owner, wait_until
from tests.test_embedded import linux, ordinary_user

# Thirteen Pythons that start at once take their time on a busy machine.
pytestmark = pytest.mark.timeout(300)
STARTING_SECONDS = 200.0

OWN = """
import json, os, time
from pgscope.demo import start_demo
def progress(text):
    if text.startswith(os.environ.get("DIE_AT", "-")):
        os.kill(os.getpid(), 9)
demo = start_demo(progress)
print(json.dumps({"conninfo": demo.conninfo, "pids": demo.pids}), flush=True)
time.sleep(600)
"""

Row = dict[str, Any]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    told: list[str] = []
    with start_demo(told.append) as running:
        assert "PostgreSQL" in told[0]
        assert all(each.name in told[1] for each in ROSTER)
        yield running


@pytest.fixture
def rows(demo: Demo) -> Iterator[Any]:
    """Asks the demo's server something as superuser."""
    with psycopg.connect(
        demo.conninfo, autocommit=True, row_factory=dict_row, application_name="test"
    ) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


def _statement(rows: Any, like: str, user: str = "shop") -> Row:
    """The sums of the statements that match, once there are some."""
    found: list[Row] = wait_until(
        lambda: [
            row
            for row in rows(
                "SELECT sum(calls)::int AS calls, sum(rows)::int AS rows, sum(temp_blks_written)::int AS temp"
                " FROM pg_stat_statements WHERE query LIKE %s AND userid = %s::regrole",
                like,
                user,
            )
            if row["calls"]
        ],
        f"a statement like {like}",
    )
    return found[0]


def test_every_program_is_there_under_its_name(demo: Demo, rows: Any) -> None:
    expected = {(each.application_name, each.user) for each in ROSTER}

    def seen() -> bool:
        sessions = rows(
            "SELECT application_name, usename FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        return expected <= {(each["application_name"], each["usename"]) for each in sessions}

    wait_until(seen, f"sessions of {expected}", STARTING_SECONDS)
    assert len({psutil.Process(pid).pid for pid in demo.pids.values()}) == len(ROSTER)
    parents = {psutil.Process(pid).ppid() for pid in demo.pids.values()}
    assert parents == {demo.server.reaper_pid}


@pytest.mark.parametrize(
    ("parent", "child", "user", "under_way"),
    [
        (
            "SELECT orders.id, %WHERE orders.id <= $1::INTEGER ORDER%",
            "%::INTEGER = order_items.order_id%",
            "shop",
            60,
        ),
        ('SELECT "orders"."id"%"status" FROM "orders"%', '%FROM "customers"%LIMIT%', "backoffice", 25),
        ('%FROM "questions"%LIMIT%', '%FROM "choices"%', "shop", 20),
    ],
    ids=["storefront", "admin", "surveys"],
)
def test_n_plus_one(rows: Any, parent: str, child: str, user: str, under_way: int) -> None:
    """Every row of the parent makes a call of the child, but for the pages that are under way."""
    first = wait_until(
        lambda: (found := _statement(rows, parent, user))["rows"] > 4 * under_way and found, "some pages"
    )
    assert first["rows"] - under_way <= _statement(rows, child, user)["calls"]
    later = _statement(rows, child, user)
    assert later["calls"] <= _statement(rows, parent, user)["rows"]
    assert first["rows"] > 4 * first["calls"]
    assert later["rows"] > 0


def test_the_same_pages_done_right(rows: Any) -> None:
    selectin = _statement(rows, "%order_items.order_id IN (%")
    assert selectin["rows"] > 2 * selectin["calls"]
    joined = _statement(rows, "%LEFT OUTER JOIN order_items%")
    assert joined["rows"] > 2 * joined["calls"]
    prefetched = _statement(rows, '%"order_items"."order_id" IN (%', "backoffice")
    assert prefetched["rows"] > 2 * prefetched["calls"]
    assert _statement(rows, '%INNER JOIN "customers"%', "backoffice")["calls"]


def test_the_others_do_what_they_are_there_for(rows: Any) -> None:
    export = _statement(rows, "SELECT products.%products.description%")
    assert export["rows"] == 2000 * export["calls"]
    looked_up = _statement(rows, "SELECT id, name, price_cents%WHERE id = $1")
    assert looked_up["rows"] == looked_up["calls"]
    assert _statement(rows, "%FOR UPDATE SKIP LOCKED%")["rows"]
    assert _statement(rows, "%turnover_cents%", "analyst")["temp"] > 100
    assert _statement(rows, "SELECT count(*) FROM products%")["calls"]
    tagged = rows("SELECT query FROM pg_stat_activity WHERE application_name = 'admin'")
    assert "route='%2Fadmin%2Forders'" in tagged[0]["query"]


def _chain(rows: Any) -> Row | None:
    """The migration waiting for billing, with readers behind it."""
    found: list[Row] = rows(
        """
        SELECT billing.pid AS culprit, billing.state, migration.pid AS migration,
            count(*) FILTER (WHERE reader.application_name = 'mobile') AS readers
        FROM pg_stat_activity AS billing, pg_stat_activity AS migration, pg_stat_activity AS reader
        WHERE billing.application_name = 'billing' AND migration.application_name = 'migration'
            AND billing.pid = ANY (pg_blocking_pids(migration.pid))
            AND migration.pid = ANY (pg_blocking_pids(reader.pid))
        GROUP BY 1, 2, 3
        """
    )
    return found[0] if found and found[0]["readers"] == 3 else None


def test_a_migration_waits_for_an_idle_transaction_and_a_kill_frees_it(rows: Any) -> None:
    chain = wait_until(lambda: _chain(rows), "the queue behind billing")
    assert chain["state"] == "idle in transaction"
    rows("SELECT pg_terminate_backend(%s)", chain["culprit"])
    wait_until(lambda: _chain(rows) is None, "the queue dissolves")
    again = wait_until(
        lambda: rows(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'billing' AND state = 'idle in transaction' AND pid <> %s",
            chain["culprit"],
        ),
        "billing connects again",
    )
    assert len(again) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_a_killed_demo(number: signal.Signals) -> None:
    with owner(OWN) as running:
        _see_everything(running)
        os.kill(running.process.pid, number)
        running.assert_nothing_left()


def _see_everything(running: Owner) -> None:
    told = running.report()
    with closing(psycopg.connect(told["conninfo"])):
        running.look()
    assert set(told["pids"].values()) <= set(running.seen)


def test_nothing_is_left_of_a_demo_that_dies_half_way() -> None:
    with owner(OWN, DIE_AT="Loading") as running:
        wait_until(lambda: list(running.root.iterdir()), "the folder")
        while running.process.poll() is None:
            running.look()
        running.assert_nothing_left()


def test_nothing_is_left_when_the_terminal_closes() -> None:
    with owner("") as running:
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(ROOT=str(running.root), TMPDIR=str(running.root))
            os.execv(sys.executable, [sys.executable, "-c", OWN])
        try:
            wait_until(lambda: list(running.root.glob("pgscope-*/clients.log")), "the programs start")
            while len(running.seen) <= len(ROSTER):
                running.look()
        finally:
            os.close(terminal)
        assert os.waitpid(child, 0)[1] == signal.SIGHUP
        running.assert_nothing_left()


@linux
def test_an_ordinary_user_has_a_demo_too() -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests ran as an ordinary user already")
    with owner(OWN, *ordinary_user()) as running:
        _see_everything(running)
        assert running.uids == {65534}
        running.process.kill()
        running.assert_nothing_left()


def test_missing_parts_are_named_with_the_way_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DemoMissingError, match=r"pgscope\[demo\]"):
        start_demo(print)
