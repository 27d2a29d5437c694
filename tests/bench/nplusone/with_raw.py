"""Workloads on the bare driver, and pgbench."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.bench.nplusone.labels import Label
from tests.bench.nplusone.pacing import Pacing, ready

Page = Callable[[psycopg.Connection, "_Texts", Pacing], None]


class _Texts:
    """Statements on one workload's tables."""

    def __init__(self, prefix: str, options: dict[str, int]) -> None:
        self.prefix = prefix
        self.options = options

    def __call__(self, text: str) -> sql.Composed:
        names = {table: sql.Identifier(f"{self.prefix}_{table}") for table in _TABLES}
        return sql.SQL(text).format(**names)


_TABLES = ("author", "question", "choice", "vote", "function")


def prepare(label: Label, conninfo: str, pacing: Pacing) -> Callable[[], None]:
    """A workload, to be called in a thread of its own; it never returns."""
    return lambda: _run(label.program, conninfo, label.prefix, pacing, label.options)


def _run(program: str, conninfo: str, prefix: str, pacing: Pacing, options: dict[str, int]) -> None:
    if program == "pgbench":
        _pgbench(conninfo, pacing, options)
        return
    page: Page = globals()[program]
    texts = _Texts(prefix, options)
    autocommit = program not in ("loop_in_transaction", "skip_locked", "executemany")
    with psycopg.connect(conninfo, autocommit=autocommit) as connection:
        pacing.run(lambda: page(connection, texts, pacing))


def _pgbench(conninfo: str, pacing: Pacing, options: dict[str, int]) -> None:
    words = conninfo_to_dict(conninfo)
    environment = {**os.environ, "PGAPPNAME": str(words["application_name"]), "PGOPTIONS": ""}
    where = [str(words["dbname"]), "-h", str(words["host"]), "-U", str(words["user"])]
    if "port" in words:
        where += ["-p", str(words["port"])]
    command = [
        os.environ["BENCH_PGBENCH"],
        "-n",
        "-c",
        "2",
        "-T",
        "3600",
        "-R",
        "60" if not options else "250",
    ]
    command += ["-S"] if options.get("select_only") else []
    with subprocess.Popen([*command, *where], env=environment, stdout=subprocess.DEVNULL) as child:
        ready(pacing.name)
        try:
            child.wait()
        finally:
            child.kill()


def loop_in_transaction(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    page = texts("select id, question_text from {question} order by id offset %s limit %s")
    rows = connection.execute(page, (pacing.offset, pacing.size)).fetchall()
    for key, _ in rows:
        connection.execute(texts("select * from {choice} where question_id = %s"), (key,)).fetchall()
    connection.commit()


def equals_any(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    page = texts("select id, question_text from {question} order by id offset %s limit %s")
    keys = [row[0] for row in connection.execute(page, (pacing.offset, pacing.size)).fetchall()]
    connection.execute(texts("select * from {choice} where question_id = any(%s)"), (keys,)).fetchall()


def key_value(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    text = "select * from {choice} where question_id = %s" if texts.options else None
    text = text or "select * from {question} where id = %s"
    connection.execute(texts(text), (pacing.random.randint(1, 2000),)).fetchall()


def skip_locked(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    take = texts("select id, choice_text from {choice} where votes < 100 limit 1 for update skip locked")
    for key, _ in connection.execute(take).fetchall():
        connection.execute(texts("update {choice} set votes = (votes + 1) %% 90 where id = %s"), (key,))
    connection.commit()


def heartbeat(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    connection.execute(texts("update {author} set email = %s where id = %s"), ("alive", 1))


def executemany(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    rows = [(n + 1, "many", 0) for n in range(40)]
    with connection.cursor() as cursor:
        cursor.executemany(
            texts("insert into {choice} (question_id, choice_text, votes) values (%s, %s, %s)"), rows
        )
    connection.commit()


def cache_fill(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    """Keys come from elsewhere (a cache's list of what expired), no statement returned them."""
    for _ in range(pacing.random.randint(20, 60)):
        key = pacing.random.randint(1, 2000)
        connection.execute(texts("select * from {question} where id = %s"), (key,)).fetchall()


def function_loop(connection: psycopg.Connection, texts: _Texts, pacing: Pacing) -> None:
    connection.execute(texts("select {function}(%s)"), (pacing.size,)).fetchall()
