"""As whom, where and how long a statement is planned and run, on real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgscope.capture.explaining import Explaining
from pgscope.capture.plan_store import PlanStore
from pgscope.errors import ConnectionFailed
from pgscope.server.conninfo import Target, target
from pgscope.server.explain import (
    ExplainFailed,
    ExplainRequest,
    ExplainResult,
    Refused,
    Started,
    explain,
    identity,
)
from pgscope.text import clean
from tests.conftest import FreshServer
from tests.explain.conftest import state

SLOW = "SELECT count(*) FROM app.orders a, app.orders b, app.orders c WHERE a.total + b.total > c.total"


def settings(result: ExplainResult) -> dict[str, str]:
    assert isinstance(result.document, list)
    found: dict[str, str] = result.document[0].get("Settings", {})
    return found


async def test_the_owner_s_role_path_and_settings_are_taken(reader: Target) -> None:
    result = await explain(ExplainRequest("SELECT * FROM orders", user="app_owner", analyze=True), reader)
    assert (result.role, result.search_path) == ("app_owner", "app, public")
    assert settings(result)["work_mem"] == "7MB"
    assert "jit" not in settings(result)


async def test_settings_of_the_role_connected_as_are_not_the_owner_s(admin: Target, reader: Target) -> None:
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        for setting in ("enable_seqscan = off", "work_mem = '77MB'", "search_path = nowhere"):
            connection.execute(f"ALTER ROLE reader SET {setting}".encode())
        try:
            as_owner = await explain(ExplainRequest("SELECT * FROM orders", user="app_owner"), reader)
            as_itself = await explain(ExplainRequest("SELECT * FROM app.orders", user="reader"), reader)
            unasked = await explain(ExplainRequest("SELECT * FROM app.orders"), reader)
        finally:
            connection.execute("ALTER ROLE reader RESET ALL")
    assert settings(as_owner) == {"search_path": "app, public", "work_mem": "7MB"}
    assert "without settings of reader alone: enable_seqscan" in as_owner.notes
    for result in (as_itself, unasked):
        assert settings(result) == {"search_path": "nowhere", "work_mem": "77MB", "enable_seqscan": "off"}
        assert result.notes == ()


async def test_the_server_s_own_search_path_is_taken(admin: Target, reader: Target) -> None:
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:

        async def seen(path: str) -> None:
            while connection.execute("SHOW search_path").fetchone() != (path,):
                await asyncio.sleep(0.02)

        async def configured(statement: bytes, path: str) -> None:
            connection.execute(statement)
            connection.execute("SELECT pg_reload_conf()")
            await asyncio.wait_for(seen(path), 30)

        await configured(b"ALTER SYSTEM SET search_path = app, public", "app, public")
        try:
            result = await explain(ExplainRequest("SELECT * FROM orders", user="reader"), reader)
        finally:
            await configured(b"ALTER SYSTEM RESET search_path", '"$user", public')
    assert result.search_path == "app, public"


async def test_a_role_that_may_not_be_taken_is_said(stranger: Target) -> None:
    result = await explain(ExplainRequest("SELECT count(*) FROM pg_class", user="app_owner"), stranger)
    assert result.role == "stranger"
    assert any("may not SET ROLE app_owner" in note for note in result.notes)
    with pytest.raises(ExplainFailed, match=r"permission denied.*GRANT"):
        await explain(ExplainRequest("SELECT * FROM orders", user="app_owner"), stranger)
    gone = await explain(ExplainRequest("SELECT 1", user="no_such_role"), stranger)
    assert any("no_such_role" in note for note in gone.notes)


async def test_a_path_given_beats_the_role_s_and_a_missing_table_says_so(reader: Target) -> None:
    with pytest.raises(ExplainFailed, match="--search-path") as caught:
        await explain(ExplainRequest("SELECT 1 FROM orders", user="app_owner", search_path="public"), reader)
    assert caught.value.position == 14


async def test_the_database_asked_for_is_the_one_used(admin: Target) -> None:
    result = await explain(ExplainRequest("SELECT 1", database="postgres"), admin)
    assert result.database == "postgres"


@pytest.fixture
def hostile(admin: Target) -> Iterator[tuple[str, str]]:
    """A database and a role in it that are shown otherwise than they are called: their names."""
    names = ("tab\t and\nline", "new\nline \u200b")
    database, role = map(sql.Identifier, names)
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        yield names
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


async def test_a_database_and_a_role_are_found_by_their_names_as_shown(
    admin: Target, hostile: tuple[str, str]
) -> None:
    database, role = (clean(name, lines=False) for name in hostile)
    result = await explain(ExplainRequest("SELECT 1", database=database, user=role), admin)
    assert (result.database, result.role, result.notes) == (database, role, ())
    result = await explain(ExplainRequest("SELECT 1", database=hostile[0], user=hostile[1]), admin)
    assert (result.database, result.role) == (database, role)


async def test_of_two_roles_shown_alike_none_is_taken(admin: Target, hostile: tuple[str, str]) -> None:
    shown = clean(hostile[1], lines=False)
    other = sql.Identifier(hostile[1].replace("\u200b", "\u200c"))
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(other))
        try:
            with pytest.raises(ConnectionFailed, match="several roles"):
                await explain(ExplainRequest("SELECT 1", user=shown), admin)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(other))


async def test_a_text_that_is_not_as_it_ran_is_told(admin: Target) -> None:
    told = "it is not as it ran"
    for character in ("\x07", "\u200d", "\ufffd"):
        result = await explain(ExplainRequest(clean(f"SELECT 'a{character}b'")), admin)
        assert told in result.notes[0]
    result = await explain(ExplainRequest(clean("SELECT 'ä',\t'b',\n'c'")), admin)
    assert result.notes == ()


async def test_analyze_as_a_superuser_is_refused_unless_allowed(admin: Target) -> None:
    request = ExplainRequest("SELECT count(*) FROM app.orders", analyze=True)
    with pytest.raises(Refused, match="--allow-superuser-analyze"):
        await explain(request, admin)
    # SET ROLE is no way around it: the statement could go back.
    with pytest.raises(Refused, match="superuser"):
        await explain(ExplainRequest(request.text, analyze=True, user="reader"), admin)
    allowed = ExplainRequest(request.text, analyze=True, allow_superuser_analyze=True)
    assert (await explain(allowed, admin)).analyzed
    assert not (await explain(ExplainRequest(request.text), admin)).analyzed


async def test_the_identifier_of_a_live_text_proves_it_is_the_same(admin: Target, reader: Target) -> None:
    text = "SELECT * FROM app.orders WHERE customer = 77"
    first = await explain(ExplainRequest(text), reader)
    assert first.identifier is not None
    again = await explain(ExplainRequest(text.replace("77", "78"), queryid=first.identifier), reader)
    assert again.same_statement is True
    other = await explain(ExplainRequest("SELECT * FROM app.log", queryid=first.identifier), reader)
    assert other.same_statement is False
    assert any("Query Identifier differs" in note for note in other.notes)


async def test_a_table_of_the_same_name_in_another_schema_is_no_proof(admin: Target, pg_major: int) -> None:
    """From 18 on the Query Identifier is the same for both."""
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA tenant; CREATE TABLE tenant.journal (); CREATE TABLE app.journal ()"
        )
        try:
            for text, told in (
                ("SELECT * FROM journal", True),
                ("SELECT * FROM tenant.journal", False),
                ("SELECT * FROM app.orders", False),
            ):
                connection.execute("SET search_path = tenant")
                connection.execute(text.encode())
                sought = "SELECT query_id FROM pg_stat_activity WHERE pid = %s"
                with psycopg.connect(admin.conninfo()) as other:
                    row = other.execute(sought, (connection.info.backend_pid,)).fetchone()
                assert row is not None
                result = await explain(ExplainRequest(text, queryid=row[0], search_path="app"), admin)
                if told:
                    assert result.same_statement is (None if pg_major >= 18 else False)
                    assert ("journal is in several schemas (app, tenant)" in str(result.notes)) is (
                        pg_major >= 18
                    )
                else:
                    assert (result.same_statement, result.notes) == (True, ())
        finally:
            connection.execute("DROP SCHEMA tenant CASCADE; DROP TABLE app.journal")


async def test_writes_are_planned_and_change_nothing(admin: Target, reader: Target) -> None:
    before = state(admin)
    for text in (
        "INSERT INTO app.log (note) SELECT status FROM app.orders",
        "UPDATE app.orders SET total = total + 1 WHERE id = $1",
        "DELETE FROM app.orders WHERE customer = $1",
        "WITH d AS (DELETE FROM app.log RETURNING *) SELECT count(*) FROM d",
        "SELECT * FROM app.orders FOR UPDATE",
    ):
        result = await explain(ExplainRequest(text), reader)
        assert not result.analyzed
    assert state(admin) == before


def backend_runs(admin: Target, pid: int) -> bool:
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        row = connection.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return row is not None and row[0] == "active"


async def test_cancelling_cancels_on_the_server_within_a_second(admin: Target, reader: Target) -> None:
    started: asyncio.Future[Started] = asyncio.get_running_loop().create_future()
    request = ExplainRequest(SLOW, analyze=True, timeout_ms=60_000)
    task = asyncio.create_task(explain(request, reader, on_start=started.set_result))
    begun = await asyncio.wait_for(started, 30)
    assert (begun.role, begun.timeout_ms) == ("reader", 60_000)
    for _ in range(300):
        if await asyncio.to_thread(backend_runs, admin, begun.pid):
            break
        await asyncio.sleep(0.02)
    assert not task.done()
    at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The bound is the promise; a busy machine gets twice as long.
    assert time.monotonic() - at < 2
    assert not await asyncio.to_thread(backend_runs, admin, begun.pid)


async def test_the_timeout_ends_it_and_is_named(reader: Target) -> None:
    with pytest.raises(ExplainFailed, match=r"timeout of 0.3 s"):
        await explain(ExplainRequest(SLOW, analyze=True, timeout_ms=300), reader)


async def test_a_lock_is_not_waited_for(admin: Target, reader: Target) -> None:
    with psycopg.connect(admin.conninfo()) as holder:
        holder.execute("LOCK TABLE app.orders IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ExplainFailed, match="try again later"):
            await explain(ExplainRequest("SELECT * FROM app.orders", lock_timeout_ms=200), reader)
        holder.rollback()


async def test_nothing_stays_behind(admin: Target, reader: Target) -> None:
    await explain(ExplainRequest("SELECT * FROM app.orders", analyze=True), reader)
    with pytest.raises(Refused):
        await explain(ExplainRequest("SELECT nextval('app.numbers')", analyze=True), reader)
    for _ in range(200):
        with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgscope'"
            ).fetchone()
        if row == (0,):
            return
        await asyncio.sleep(0.02)
    pytest.fail("a connection of EXPLAIN is still open")


async def test_writes_run_on_another_server_only(admin: Target, reader: Target) -> None:
    """`reader` stands for the other server."""
    text = "DELETE FROM app.orders WHERE id = 5"
    request = ExplainRequest(text, analyze=True, elsewhere=True)
    before = state(admin)
    with pytest.raises(Refused, match="not known"):
        await explain(request, reader)
    with pytest.raises(Refused, match="is the one watched"):
        await explain(request, reader, home=await identity(admin))
    assert state(admin) == before
    result = await explain(request, reader, home="another server")
    assert result.elsewhere and result.analyzed
    assert isinstance(result.document, list)
    assert result.document[0]["Plan"]["Plans"][0]["Actual Rows"] == 1
    assert state(admin) == before
    # A volatile function may run there too, a user-defined one only with consent.
    volatile = ExplainRequest("SELECT nextval('app.numbers')", analyze=True, elsewhere=True)
    with pytest.raises(Refused, match="--allow-functions"):
        await explain(volatile, reader, home="another server")


@pytest.mark.one_major("of what pgscope remembers")
async def test_a_server_that_was_started_anew_is_still_the_one_watched(
    fresh_pg: FreshServer, pg_major: int, tmp_path: Path
) -> None:
    server = fresh_pg(pg_major)
    watched, store = target(server.conninfo), PlanStore(tmp_path)
    explaining = Explaining(
        watched, elsewhere=watched, allow_superuser_analyze=True, store=PlanStore(tmp_path)
    )
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    write = ExplainRequest("INSERT INTO kept VALUES (1)", analyze=True)
    for _ in range(2):
        with pytest.raises(Refused, match="is the one watched"):
            await explaining.explain(write)
        server.shut_down("fast")
        server.start_again()
    # One that cannot be asked is not known, which is no hindrance to a plan.
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE ROLE blind LOGIN")
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_postmaster_start_time() FROM PUBLIC")
    for nowhere in (target(f"host={tmp_path} dbname=none"), target(server.conninfo, user="blind")):
        unreached = Explaining(nowhere, elsewhere=watched, allow_superuser_analyze=True, store=store)
        with pytest.raises(Refused, match="is not known"):
            await unreached.explain(write)
        assert not (await unreached.explain(replace(write, analyze=False))).analyzed


async def test_a_foreign_table_is_run_with_a_word_of_caution(admin: Target) -> None:
    request = ExplainRequest("SELECT * FROM app.major", analyze=True, allow_superuser_analyze=True)
    result = await explain(request, admin)
    assert any("foreign table app.major (file_fdw)" in note for note in result.notes)


async def test_the_partitions_of_a_generic_plan(admin: Target, pg_major: int, new_partitions: None) -> None:
    result = await explain(ExplainRequest("SELECT * FROM app.parted WHERE at = $1"), admin)
    assert "parted_a" in str(result.document) and "parted_b" in str(result.document)
    # Before 16 by planning once more without pruning, which is said, and is no setting of the owner's.
    assert any("all partitions are shown" in note for note in result.notes) == (pg_major < 16)
    assert "enable_partition_pruning" not in str(result.document)
    one = await explain(ExplainRequest("SELECT * FROM app.parted WHERE at = $1", values={1: "1"}), admin)
    assert "parted_a" in str(one.document) and "parted_b" not in str(one.document), "pruned by a value"


@pytest.fixture
def new_partitions(admin: Target) -> object:
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS app.parted (at int) PARTITION BY LIST (at);"
            "CREATE TABLE IF NOT EXISTS app.parted_a PARTITION OF app.parted FOR VALUES IN (1);"
            "CREATE TABLE IF NOT EXISTS app.parted_b PARTITION OF app.parted FOR VALUES IN (2)"
        )
    return None
