"""What a server or role does not give: the rest works, and a line says what is missing and what mends it."""

from __future__ import annotations

import psycopg
import pytest

from pgscope.report.document import document
from pgscope.sample import Look, Poll
from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import Target
from tests.conftest import FreshServer
from tests.standby import standby_of
from tests.streams import Stream, streaming


def only_notice(stream: Stream) -> str:
    (notice,) = stream.snapshot.notices
    assert "\n" not in notice
    return notice


async def statement_from_sessions(stream: Stream, client: psycopg.Connection, application: str) -> None:
    """Run a statement until the watch has it, and so the report: calls seen, and whose they were."""
    marker = application.replace("-", "_")

    def executions() -> int:
        # Other constants, and long enough to be seen running.
        client.execute(f"select {stream.count(Poll)} as {marker}, pg_sleep(0.02)".encode())
        return sum(one.executions for one in stream.snapshot.live_statements if marker in one.text)

    await stream.until(lambda: executions() > 3, "executions of the statement")
    report = document(stream.watch)
    (statement,) = [one for one in report["statements"] if marker in one["query"]]
    (share,) = statement["applications"]
    assert (share["application_name"], share["share"]) == (application, 1.0)
    assert share["attribution"] == "sampled"
    (mine,) = [one for one in report["applications"] if one["application_name"] == application]
    assert mine["calls"] >= statement["calls"] > 3
    assert sum(one["calls"] for one in report["applications"]) == report["totals"]["calls"]


async def statement_counted(stream: Stream, client: psycopg.Connection, application: str) -> None:
    """Run a statement until it is counted, with its text, and named as the application's."""
    marker = application.replace("-", "_")

    def found() -> set[str]:
        client.execute(f"select 1 as {marker}".encode())
        rows = [row for row in stream.snapshot.statements.values() if marker in row.query]
        shares = [one for row in rows if row.rates.calls for one in row.shares]
        return {one.application_name for one in shares if one.application_name is not None}

    await stream.until(lambda: found() == {application}, "the statement's application")


async def test_without_extension_or_query_ids(fresh_pg: FreshServer, pg_major: int) -> None:
    server = fresh_pg(pg_major, {"shared_preload_libraries": "auto_explain", "compute_query_id": "auto"})
    async with streaming(server.conninfo) as stream:
        with psycopg.connect(server.conninfo, autocommit=True, application_name="t-plain") as client:
            await statement_from_sessions(stream, client, "t-plain")
        missing = stream.snapshot.notices
        assert len(missing) == 2
        assert "ALTER SYSTEM SET shared_preload_libraries = auto_explain, pg_stat_statements" in missing[0]
        assert "ALTER SYSTEM SET compute_query_id = 'on'" in missing[1]


async def test_extension_in_another_database_only(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True, application_name="t-elsewhere") as client:
        client.execute("drop extension pg_stat_statements")
        async with streaming(pg_database) as stream:
            await statement_from_sessions(stream, client, "t-elsewhere")
            assert "CREATE EXTENSION pg_stat_statements" in only_notice(stream)


async def test_extension_in_another_schema(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True, application_name="t-schema") as client:
        client.execute("drop extension pg_stat_statements")
        client.execute('create schema "Odd; schema"')
        client.execute('create extension pg_stat_statements schema "Odd; schema"')
        async with streaming(pg_database) as stream:
            await statement_counted(stream, client, "t-schema")
            assert stream.snapshot.notices == ()


async def test_query_ids_off(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as client:
        client.execute(f'alter database "{client.info.dbname}" set compute_query_id = off')
    with psycopg.connect(pg_database, autocommit=True, application_name="t-no-ids") as client:
        async with streaming(pg_database) as stream:
            await statement_from_sessions(stream, client, "t-no-ids")
            assert "ALTER SYSTEM SET compute_query_id = 'on'" in only_notice(stream)


@pytest.mark.parametrize("extension", ["usable", "in a closed schema", "absent"])
async def test_a_role_without_pg_monitor(pg_database: str, extension: str) -> None:
    role = "T role"
    with psycopg.connect(pg_database, autocommit=True, application_name="t-other-role") as admin:
        admin.execute(f'create role "{role}" login')
        if extension != "usable":
            admin.execute("drop extension pg_stat_statements")
        if extension == "in a closed schema":
            admin.execute("create schema closed")
            admin.execute("create extension pg_stat_statements schema closed")
        own = psycopg.conninfo.make_conninfo(pg_database, user=role)
        try:
            with psycopg.connect(own, autocommit=True, application_name="t-own-role") as client:
                async with streaming(own) as stream:
                    # Of another form: names do not make another queryid.
                    admin.execute("select 1, 2, 3 as t_hidden")
                    notices = []
                    if extension == "usable":
                        await statement_counted(stream, client, "t-own-role")
                    else:
                        await statement_from_sessions(stream, client, "t-own-role")
                        report = document(stream.watch)
                        assert not any("insufficient" in one["query"] for one in report["statements"])
                        notices.append(
                            f'GRANT USAGE ON SCHEMA closed TO "{role}"'
                            if extension == "in a closed schema"
                            else "CREATE EXTENSION pg_stat_statements"
                        )
                    notices.append(f'GRANT pg_monitor TO "{role}"')
                    assert len(stream.snapshot.notices) == len(notices)
                    for notice, words in zip(stream.snapshot.notices, notices, strict=True):
                        assert words in notice
                    if extension == "in a closed schema":
                        admin.execute(notices[0])
                        admin.execute(notices[1])
                async with streaming(own) as stream:
                    if extension == "in a closed schema":
                        # What the notices say mends it.
                        await statement_counted(stream, client, "t-own-role")
                        assert stream.snapshot.notices == ()
        finally:
            admin.execute(f'drop owned by "{role}"')
            admin.execute(f'drop role "{role}"')


async def test_a_streaming_standby_and_its_promotion(fresh_pg: FreshServer, pg_major: int) -> None:
    primary = fresh_pg(pg_major)
    standby = standby_of(primary, fresh_pg)
    with psycopg.connect(primary.conninfo, autocommit=True) as client:
        client.execute("create database t_without template template0")
    async with streaming(standby.conninfo) as stream:
        with psycopg.connect(standby.conninfo, autocommit=True, application_name="t-standby") as client:
            await statement_counted(stream, client, "t-standby")
        assert stream.snapshot.facts is not None
        assert stream.snapshot.facts.role == "standby"
        assert stream.snapshot.notices == ()
        assert stream.count(Look) > 0

    def replayed() -> bool:
        with psycopg.connect(standby.conninfo, autocommit=True) as client:
            row = client.execute("select from pg_database where datname = 't_without'").fetchone()
            return row is not None

    async with streaming(standby.conninfo) as stream:
        await stream.until(replayed, "the database on the standby")
    without = standby.conninfo_for("t_without")
    async with streaming(without) as stream:
        with psycopg.connect(without, autocommit=True, application_name="t-standby") as client:
            await statement_from_sessions(stream, client, "t-standby")
        assert "on the primary" in only_notice(stream)

    async with streaming(standby.conninfo) as stream:
        await stream.more(Poll, 3)
        with psycopg.connect(standby.conninfo, autocommit=True) as admin:
            admin.execute("select pg_promote()")
        await stream.until(
            lambda: stream.snapshot.facts and stream.snapshot.facts.role == "primary", "primary"
        )
        await stream.more(Poll, 3)
        assert stream.snapshot.link.connected


async def test_a_role_that_may_have_one_connection(pg_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.capture.sampling._REFUSED_AGAIN", 0.5)
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("create role t_one login connection limit 1")
        admin.execute("grant pg_monitor to t_one")
        try:
            async with streaming(psycopg.conninfo.make_conninfo(pg_database, user="t_one")) as stream:
                await stream.until(lambda: stream.snapshot.notices, "a notice")
                assert 'too many connections for role "t_one"' in only_notice(stream)
                assert "the sampler has no connection" in only_notice(stream)
                assert "it is tried again each minute" in only_notice(stream)
                await stream.more(Poll, 3)
                assert stream.snapshot.link.connected
                assert stream.count(Look) == 0
                admin.execute("alter role t_one connection limit 2")
                await stream.more(Look)
                await stream.until(lambda: stream.snapshot.notices == (), "no notice")
        finally:
            admin.execute("drop role t_one")


def _hurried(attempt: int, most: float | None = None) -> float:
    """As quick as it may be, but where it is told that it lasts."""
    return 0.01 if most is None else most


async def test_a_sampler_that_is_refused_does_not_come_back_soon(
    pg18_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.capture.sampling.backoff", _hurried)
    opened = 0

    async def counted(where: Target) -> Connection:
        nonlocal opened
        opened += 1
        return await connect(where)

    monkeypatch.setattr("pgscope.capture.sampling.connect", counted)
    with psycopg.connect(pg18_database, autocommit=True) as admin:
        admin.execute("create role t_one login connection limit 1")
        try:
            async with streaming(psycopg.conninfo.make_conninfo(pg18_database, user="t_one")) as stream:
                told = "the sampler has no connection"
                await stream.until(lambda: any(told in one for one in stream.snapshot.notices), "a notice")
                await stream.more(Poll, 20)
                assert opened == 3
        finally:
            admin.execute("drop role t_one")
