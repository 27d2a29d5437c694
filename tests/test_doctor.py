"""The doctor, on real servers and on set-ups that are hard to have."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
import pytest

from pgscope.analysis.doctor import Item, diagnose
from pgscope.cli import main
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Checkup, Setting
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.doctor import examine


async def checkup_of(conninfo: str) -> Checkup:
    connection = await connect(target(conninfo))
    try:
        return await examine(connection)
    finally:
        await connection.close()


def by_name(checkup: Checkup) -> dict[str, Item]:
    return {item.name: item for item in diagnose(checkup)}


async def test_every_statement_given_mends_its_item(pg: EmbeddedServer, pg_database: str) -> None:
    """What takes effect with a reload is run as it stands, and the item is well then."""
    before = await checkup_of(pg_database)
    reloadable = {
        item.name: item.statement
        for item in diagnose(before)
        if item.statement.startswith("ALTER SYSTEM") and "restart" not in item.statement
    }
    assert {"log_lock_waits", "log_line_prefix", "log_min_duration_statement"} <= set(reloadable)
    with psycopg.connect(pg_database, autocommit=True) as admin:
        try:
            for statement in reloadable.values():
                for part in statement.split(";"):
                    if part.strip():
                        admin.execute(part.encode())
            admin.execute("select pg_sleep(0.2)")
            after = by_name(await checkup_of(pg_database))
            assert {name for name in reloadable if not after[name].ok} == set()
        finally:
            admin.execute("ALTER SYSTEM RESET ALL")
            admin.execute("SELECT pg_reload_conf()")


async def test_extension_not_created(pg: EmbeddedServer, pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("DROP EXTENSION IF EXISTS pg_stat_statements")
        item = by_name(await checkup_of(pg_database))["pg_stat_statements"]
        assert (item.status, item.statement) == ("warn", "CREATE EXTENSION pg_stat_statements;")
        admin.execute(item.statement.encode())
    assert by_name(await checkup_of(pg_database))["pg_stat_statements"].ok


async def test_role_without_privileges(pg: EmbeddedServer, pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute('CREATE ROLE "odd ""doctor" LOGIN')
        try:
            mine = psycopg.conninfo.make_conninfo(pg_database, user='odd "doctor')
            item = by_name(await checkup_of(mine))["role: pg_monitor"]
            assert not item.ok
            admin.execute(item.statement.encode())
            assert by_name(await checkup_of(mine))["role: pg_monitor"].ok
            assert by_name(await checkup_of(mine))["role: superuser"].ok
        finally:
            admin.execute('DROP ROLE "odd ""doctor"')


async def test_unnamed_sessions_are_counted(pg_database: str) -> None:
    with psycopg.connect(pg_database, application_name=""):
        item = by_name(await checkup_of(pg_database))["application_name"]
    assert not item.ok
    assert "application_name=" in item.statement


async def test_not_loaded_keeps_what_is_preloaded(pg_database: str) -> None:
    checkup = await checkup_of(pg_database)
    settings = {name: value for name, value in checkup.settings.items() if not name.startswith("pg_stat_")}
    settings["shared_preload_libraries"] = Setting("auto_explain", "", "postmaster")
    item = by_name(replace(checkup, settings=settings))["pg_stat_statements"]
    assert "'auto_explain,pg_stat_statements'" in item.statement
    assert "restart" in item.statement


@pytest.mark.parametrize("form", ["text", "json"])
def test_command(form: str, pg_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", pg_database, "--format", form]) == 0
    out = capsys.readouterr().out
    if form == "json":
        items = {item["name"]: item for item in json.loads(out)["items"]}
        assert items["compute_query_id"]["status"] == "ok"
        assert items["log_lock_waits"]["statement"].startswith("ALTER SYSTEM SET log_lock_waits")
    else:
        assert "! log_lock_waits: off" in out
        assert all(line.isprintable() for line in out.splitlines())
