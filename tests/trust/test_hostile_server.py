"""A server full of hostile text: nothing that a terminal would obey or hide is taken in."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg import pq, sql

from pgscope.capture.actions import Actions, request_for
from pgscope.capture.audit import AuditLog
from pgscope.embedded import EmbeddedServer
from pgscope.errors import ConnectionFailed
from pgscope.report import render
from pgscope.sample import Connected, Look, Names, Poll, Sample, StatementTexts
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.text import clean
from tests.streams import streaming

ESCAPES = "\x1b]52;c;cm0gLXJmIC8=\x07\x1b]0;owned\x07\x1b[2J\x1b[H\x1bP+q\x1b\\\x9b31m"
INVISIBLE = "a\u202egnp.exe\u200b\ufeff\u2066x\u2069"
MARKUP = "[/][red]x[/red][@click=app.quit]y[/] <script>alert(1)</script>"
FLOOD = "e" + "\u0301" * 300
WIDE = "\u3042\U0001f468\u200d\U0001f469\u200d\U0001f467\uff21"
TEXTS = (ESCAPES, INVISIBLE, MARKUP, FLOOD, WIDE, "\r\nover\rwritten\b\b\x7f\x0b\x0c")


def strings(value: object) -> Iterator[str]:
    """All strings in a sample, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from strings(key)
            yield from strings(one)
    elif isinstance(value, (tuple, list, frozenset, set)):
        for one in value:
            yield from strings(one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))


def check(samples: list[Sample]) -> None:
    for sample in samples:
        for text in strings(sample):
            assert clean(text) == text, (type(sample).__name__, text[:200])
            text.encode("utf-8")


class Bytes:
    """A session that sends what it likes, in any encoding."""

    def __init__(self, conninfo: str) -> None:
        self._conn = pq.PGconn.connect(conninfo.encode())
        assert self._conn.status == pq.ConnStatus.OK, self._conn.error_message

    def run(self, statement: bytes) -> None:
        result = self._conn.exec_(statement)
        assert result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK), result.error_message

    def close(self) -> None:
        self._conn.finish()


@pytest.fixture
def hostile(pg: EmbeddedServer) -> Iterator[str]:
    """A database, a role, tables, applications and statements, all named by an enemy."""
    name, role = "t\x1b]0;db\x07[/b]\u202e", "r\x1b[31m[@click=app.quit]"
    opened: list[psycopg.Connection | Bytes] = []
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("create role {} login superuser").format(sql.Identifier(role)))
        admin.execute("create database t_bytes encoding 'SQL_ASCII' locale 'C' template template0")
        try:
            own = pg.conninfo_for(name, role)
            table = sql.Identifier("t\x1b]52;c;eA==\x07" + FLOOD[:30])
            for number, text in enumerate(TEXTS):
                client = psycopg.connect(own, autocommit=True)
                opened.append(client)
                client.execute("select set_config('application_name', %s, false)", (f"t{number}{text}",))
                if number == 0:
                    client.execute(sql.SQL("create table {} (id int)").format(table))
                    client.execute("begin")
                    client.execute(sql.SQL("lock table {}").format(table))
                client.execute(
                    sql.SQL("select {} as t_hostile /* ").format(text) + sql.SQL(text) + sql.SQL(" */")
                )
            raw = Bytes(pg.conninfo_for("t_bytes", client_encoding="SQL_ASCII"))
            opened.append(raw)
            raw.run(b"select 't_bytes \xff\xfe\xc3 \x9b31m \xed\xa0\x80 " + b"x" * 1_000_000 + b"'")
            waiter = pq.PGconn.connect(own.encode())
            waiter.send_query(f"select from {table.as_string()}".encode())
            yield own
            waiter.finish()
        finally:
            for one in opened:
                one.close()
            for database in (name, "t_bytes"):
                admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


async def test_everything_is_clean_on_its_way_in(hostile: str, tmp_path: Path) -> None:
    async with streaming(hostile) as stream:
        await stream.more(Poll, 3)
        await stream.more(Look, 3)
        await stream.until(lambda: stream.snapshot.locks, "the wait")
        await stream.until(lambda: stream.count(StatementTexts), "texts")
        bytes_seen = [one for one in stream.snapshot.sessions if one.database == "t_bytes"]
        assert bytes_seen
        assert "t_bytes" in bytes_seen[0].query
        assert len([s for s in stream.snapshot.sessions if s.application_name[:1] == "t"]) >= len(TEXTS)
        assert {type(sample) for sample in stream.samples} >= {Connected, Poll, Look, Names, StatementTexts}
        check(stream.samples)
        for form in ("text", "markdown", "json"):
            report = render(stream.watch, form)
            for line in report.split("\n"):
                assert clean(line) == line, line[:200]
        json.loads(render(stream.watch, "json"))
        page = render(stream.watch, "html")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert clean(page) == page
        # What an action is told, and leaves in the record.
        (waiter,) = [n.session for n in stream.snapshot.locks.nodes.values() if n.waits and n.session]
        log = AuditLog(tmp_path / "state" / "actions.jsonl")
        done = await Actions(target(hostile), log).run([request_for("cancel", waiter)])
        assert done.unrecorded == ""
        assert list(strings(done))
        for text in strings(done):
            assert clean(text) == text
        assert log.path.read_text(encoding="ascii").removesuffix("\n").isprintable()


async def test_errors_and_notices_are_clean(hostile: str) -> None:
    """A connection that fails over a hostile name says so in one harmless line."""
    conninfo = psycopg.conninfo.make_conninfo(hostile, dbname="no\x1b]0;such\x07[/b]")
    async with streaming(conninfo) as stream:
        await stream.until(lambda: stream.samples, "the failure")
        await asyncio.sleep(0)
        check(stream.samples)
        reason = stream.snapshot.link.reason
        assert "does not exist" in reason
        assert "\n" not in reason


async def test_a_database_named_like_a_conninfo_leads_nowhere_else(pg: EmbeddedServer) -> None:
    """pgscope connects to databases by names that it read: they must stay names."""
    name = "host=/nowhere user=evil"
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            for asked in (name, "postgresql://evil@nowhere/x"):
                there = target(pg.conninfo).with_database(asked)
                if asked == name:
                    connection = await connect(there)
                    assert connection.info.dbname == name
                    assert connection.info.user == "postgres"
                    await connection.close()
                else:
                    with pytest.raises(ConnectionFailed, match="does not exist"):
                        await connect(there)
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
