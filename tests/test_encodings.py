"""Databases in other encodings: one text that cannot be converted does not take away the others."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from pgscope.embedded import EmbeddedServer
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.explain import ExplainFailed, ExplainRequest, explain
from pgscope.server.explain.lookup import by_queryid
from pgscope.server.facts import learn
from pgscope.server.poll import Poller
from tests.conftest import FreshServer
from tests.streams import Stream, streaming

CANCELLED = b"""
create function pg_stat_statements(showtext boolean) returns setof pg_stat_statements language plpgsql as
$$ begin raise exception 'canceling statement due to user request' using errcode = '57014'; end $$
"""
NOT_UTF8 = b"select count(*) as n\xe9 from u"


def encoded(server: EmbeddedServer, name: str, encoding: str, *, extension: bool = True) -> str:
    """The conninfo of a new database in this encoding."""
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute(f"create database {name} encoding '{encoding}' locale 'C' template template0".encode())
    conninfo = server.conninfo_for(name)
    if extension:
        with psycopg.connect(conninfo, autocommit=True) as client:
            client.execute("create extension if not exists pg_stat_statements")
    return conninfo


def run(conninfo: str, *statements: bytes, encoding: str = "SQL_ASCII") -> None:
    with psycopg.connect(conninfo, autocommit=True, client_encoding=encoding) as client:
        for statement in statements:
            client.execute(statement)


def shown(stream: Stream, words: str) -> Callable[[], bool]:
    return lambda: any(words in row.query for row in stream.snapshot.statements.values())


async def test_a_text_that_cannot_be_converted_is_told(
    fresh_pg: FreshServer, pg_major: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.capture.texts._AGAIN_FOR_GOOD", 0.5)
    server = fresh_pg(pg_major)
    ascii_only = encoded(server, "t_ascii", "SQL_ASCII", extension=False)
    run(ascii_only, b"create table u ()", NOT_UTF8)
    async with streaming(server.conninfo) as stream:
        await stream.until(lambda: stream.snapshot.notices, "a notice")
        (notice,) = stream.snapshot.notices
        assert "texts of new statements cannot be read" in notice
        assert 'invalid byte sequence for encoding "UTF8"' in notice
        assert "CREATE EXTENSION pg_stat_statements in a database whose encoding is SQL_ASCII" in notice
        # What the notice says mends it.
        run(ascii_only, b"create extension pg_stat_statements")
        run(server.conninfo, b"select 1 as t_told")
        await stream.until(shown(stream, "as t_told"), "a text, read in the other database")
        await stream.until(lambda: stream.snapshot.notices == (), "no notice")


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "EUC_JP"])
async def test_texts_that_cannot_be_converted_are_read_elsewhere(
    fresh_pg: FreshServer, pg_major: int, encoding: str
) -> None:
    server = fresh_pg(pg_major)
    run(encoded(server, "t_ascii", "SQL_ASCII"), b"create table u ()", NOT_UTF8)
    run(server.conninfo, 'select 1 as "t_€"'.encode(), encoding="UTF8")
    async with streaming(encoded(server, "t_watched", encoding)) as stream:
        await stream.until(shown(stream, 'as "t_€"'), "the text of the UTF8 database")
        await stream.until(shown(stream, "select count(*) as n"), "the text that is no UTF-8")
        assert stream.snapshot.notices == ()


async def test_a_text_without_equivalent_is_read_in_a_utf8_database(
    fresh_pg: FreshServer, pg_major: int
) -> None:
    server = fresh_pg(pg_major)
    run(server.conninfo, 'select 1 as "t_€"'.encode(), encoding="UTF8")
    async with streaming(encoded(server, "t_watched", "LATIN1")) as stream:
        await stream.until(shown(stream, 'as "t_€"'), "the text of the UTF8 database")
        assert stream.snapshot.notices == ()


async def test_a_cancelled_read_of_texts_is_made_again(pg_database: str) -> None:
    connection = await connect(target(pg_database))
    try:
        poller = Poller(connection, await learn(connection))
        run(pg_database, b"select 1 as t_again")
        statements = (await poller.poll()).poll.statements
        assert poller.reader is not None
        assert statements
        unseen = set(poller.reader.unseen())
        run(pg_database, b"alter function pg_stat_statements(boolean) rename to t_kept", CANCELLED)
        assert not await poller.reader.texts(connection, poller.reader.unseen())
        failure = poller.reader.failure
        assert failure is not None
        assert failure.passing
        assert poller.reader.unreadable == ""
        assert poller.reader.unseen() == unseen
        for _ in range(2):
            await poller.reader.texts(connection, poller.reader.unseen())
        assert poller.reader.unreadable == failure.reason
        run(
            pg_database,
            b"drop function pg_stat_statements(boolean)",
            b"alter function t_kept rename to pg_stat_statements",
        )
        texts = await poller.reader.texts(connection, poller.reader.unseen())
        assert any("as t_again" in text for text in texts.values())
        assert poller.reader.failure is None
        assert poller.reader.unreadable == ""
        assert not poller.reader.unseen()
    finally:
        await connection.close()


async def test_a_statement_is_explained_though_texts_cannot_be_converted(
    fresh_pg: FreshServer, pg_major: int
) -> None:
    server = fresh_pg(pg_major)
    ascii_only = encoded(server, "t_ascii", "SQL_ASCII", extension=False)
    run(server.conninfo, b"create table t_found (a int)", b"select a from t_found")
    with psycopg.connect(server.conninfo) as client:
        found = client.execute("select queryid from pg_stat_statements where query like 'select a from t_f%'")
        (queryid,) = found.fetchone() or (0,)
    run(ascii_only, b"create table u ()", NOT_UTF8)
    with pytest.raises(ExplainFailed, match=r"invalid byte sequence.*--values-from live"):
        await by_queryid(target(server.conninfo), queryid)
    run(ascii_only, b"create extension pg_stat_statements")
    text = (await by_queryid(target(server.conninfo), queryid)).text
    assert text == "select a from t_found"


@pytest.mark.parametrize("watched", ["UTF8", "LATIN1", "SQL_ASCII"])
async def test_texts_of_databases_in_other_encodings(
    fresh_pg: FreshServer, pg_major: int, watched: str
) -> None:
    server = fresh_pg(pg_major)
    latin = encoded(server, "t_latin", "LATIN1")
    run(latin, 'create table "café" (a int)'.encode(), encoding="UTF8")
    run(latin, 'select a from "café"'.encode(), encoding="UTF8")
    run(server.conninfo, 'select 1 as "thé"'.encode(), encoding="UTF8")
    async with streaming(encoded(server, "t_watched", watched)) as stream:
        await stream.until(shown(stream, 'select a from "café"'), "the text of the LATIN1 database")
        await stream.until(shown(stream, 'as "thé"'), "the text of the UTF8 database")


@pytest.mark.parametrize("watched", ["UTF8", "LATIN1", "SQL_ASCII"])
async def test_a_statement_of_a_latin1_database_is_explained(
    fresh_pg: FreshServer, pg_major: int, watched: str
) -> None:
    server = fresh_pg(pg_major)
    latin = encoded(server, "t_latin", "LATIN1")
    here = target(encoded(server, "t_watched", watched))
    run(latin, 'create table "café" (a int)'.encode(), encoding="UTF8")
    with psycopg.connect(latin, autocommit=True, client_encoding="UTF8") as client:
        client.execute('select a from "café"')
        with psycopg.connect(server.conninfo, autocommit=True) as admin:
            sought = "select query_id from pg_stat_activity where pid = %s"
            ((queryid,),) = admin.execute(sought, (client.info.backend_pid,)).fetchall()
        for live_text in (False, True):
            found = await by_queryid(here, queryid, live=live_text)
            assert (found.text, found.database) == ('select a from "café"', "t_latin")
            request = ExplainRequest(text=found.text, queryid=queryid, database=found.database)
            assert "café" in str((await explain(request, here)).document)
