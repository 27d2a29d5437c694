"""A guest: between polls it holds nothing that anyone could wait for, and its secrets are seen nowhere."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pgscope.embedded import EmbeddedServer
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.facts import NEWEST, learn, with_missing
from pgscope.server.poll import Poller
from pgscope.server.sampler import Sampler
from tests.conftest import FreshServer
from tests.tui.frozen import FACTS
from tests.tui.terminal import Terminal

SECRET = "s3cret-0f-ann"


async def test_nothing_is_held_between_polls(pg_database: str) -> None:
    """After each poll and look: no transaction, no snapshot, no lock, also where someone waits."""
    held = """
        select a.state, a.xact_start, a.backend_xmin, a.backend_xid, l.mode
        from pg_stat_activity a left join pg_locks l on l.pid = a.pid where a.pid = %s
    """
    connection = await connect(target(pg_database))
    with (
        psycopg.connect(pg_database, autocommit=True) as admin,
        psycopg.connect(pg_database, autocommit=True) as holder,
        psycopg.connect(pg_database, autocommit=True) as waiter,
    ):
        try:
            pid = connection.info.backend_pid
            facts = await learn(connection)
            poller = Poller(connection, facts)
            sampler = Sampler(connection, facts, poller.names.codec)
            holder.execute("create table t (id int)")
            holder.execute("begin")
            holder.execute("lock table t")
            waiter.pgconn.send_query(b"select from t")
            seen = 0
            while seen < 5:
                seen += len((await poller.poll()).poll.blocking)
                assert admin.execute(held, (pid,)).fetchall() == [("idle", None, None, None, None)]
                assert poller.reader is not None
                await poller.reader.texts(connection, poller.reader.unseen())
                assert admin.execute(held, (pid,)).fetchall() == [("idle", None, None, None, None)]
                await sampler.look()
                assert admin.execute(held, (pid,)).fetchall() == [("idle", None, None, None, None)]
            holder.execute("rollback")
            while waiter.pgconn.get_result() is not None:
                pass
        finally:
            await connection.close()


@pytest.mark.parametrize(
    "loud",
    [
        {
            "shared_preload_libraries": "pg_stat_statements, auto_explain",
            "auto_explain.log_min_duration": "0",
        },
        {"log_min_duration_statement": "0", "log_statement": "all", "log_duration": "on"},
        {"log_min_duration_sample": "0", "log_statement_sample_rate": "1"},
        {"log_transaction_sample_rate": "1"},
        {"log_statement_stats": "on"},
        {"log_parser_stats": "on", "log_planner_stats": "on", "log_executor_stats": "on"},
        {"debug_print_parse": "on", "debug_print_rewritten": "on", "debug_print_plan": "on"},
    ],
    ids=lambda loud: next(reversed(loud)),
)
async def test_a_superusers_statements_stay_out_of_the_log(
    fresh_pg: FreshServer, pg_major: int, loud: dict[str, str]
) -> None:
    server = fresh_pg(pg_major, {**loud, "log_line_prefix": "<%p> "})
    connection = await connect(target(server.conninfo))
    try:
        mark = f"<{connection.info.backend_pid}>"
        facts = await learn(connection)
        before = len(server.log.read_text())
        poller = Poller(connection, facts)
        for _ in range(2):
            await poller.poll()
            assert poller.reader is not None
            await poller.reader.texts(connection, poller.reader.unseen())
        await Sampler(connection, facts, poller.names.codec).look()
        assert mark not in server.log.read_text()[before:]
    finally:
        await connection.close()
    # It is the log that is read: what another session runs is in it.
    with psycopg.connect(server.conninfo, autocommit=True) as client:
        client.execute("select count(*) from pg_class")
        assert f"<{client.info.backend_pid}>" in server.log.read_text()[before:]


@pytest.mark.parametrize(
    ("version", "words"), [((NEWEST + 1) * 10_000, "newer than"), (130_000, "older than")]
)
def test_a_major_that_is_not_known_warns(version: int, words: str) -> None:
    """What decides is a pure function of what the server said; no such server is there to be asked."""
    facts = with_missing(replace(FACTS, version_num=version, version=f"{version // 10_000}.0"), "1.12")
    (missing,) = facts.missing
    assert words in missing.capability
    assert with_missing(replace(FACTS, version_num=NEWEST * 10_000), "1.12").missing == ()


@pytest.fixture
def guarded(fresh_pg: FreshServer) -> Iterator[EmbeddedServer]:
    """A server that wants a password of everyone but its owner."""
    server = fresh_pg(18)
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute(
            f"create role ann login in role pg_monitor, pg_signal_backend password '{SECRET}'".encode()
        )
        hba = Path(admin.execute("show hba_file").fetchall()[0][0])
        hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        admin.execute("select pg_reload_conf()")
    yield server


def seen_in_process_lists(pid: int) -> str:
    """What `ps` shows of a process, its threads and children."""
    ended = subprocess.run(["ps", "-ww", "-eo", "ppid,pid,args"], capture_output=True, text=True, check=True)
    return "\n".join(line for line in ended.stdout.splitlines() if str(pid) in line.split()[:2])


def test_a_password_is_seen_nowhere(guarded: EmbeddedServer, tmp_path: Path) -> None:
    """Not in the process list, on the screen, in the record of actions, a recording, the log, or any file."""
    ann = guarded.conninfo_for(user="ann")
    home = Path(os.environ["HOME"])
    with psycopg.connect(guarded.conninfo, autocommit=True, application_name="t-victim") as victim:
        victim.execute("grant postgres to ann")
        with Terminal("connect", ann, environment={"PGPASSWORD": SECRET}) as terminal:
            terminal.until("1 Applications")
            assert terminal.child.pid is not None
            listed = seen_in_process_lists(terminal.child.pid)
            assert "connect" in listed
            assert SECRET not in listed
            terminal.press("2", "t-victim")
            terminal.press("/app:t-victim\r", "1 of ")
            terminal.press("T", "TERMINATE")
            terminal.press("y")
            log = home / ".state" / "pgscope" / "actions.jsonl"
            terminal.until(log.exists, "the record of the action")
            terminal.press("\x11")
            assert terminal.ended() == 0
            assert SECRET.encode() not in terminal.bytes
    recording = tmp_path / "watched"
    command = [sys.executable, "-m", "pgscope", "record", ann, str(recording), "--duration", "2"]
    ended = subprocess.run(
        command,
        env={**os.environ, "PGPASSWORD": SECRET},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 0, shlex.join(command) + ended.stderr
    assert SECRET not in ended.stdout + ended.stderr
    files = [path for folder in (home, tmp_path) for path in folder.rglob("*") if path.is_file()]
    assert log in files
    assert any(str(path).startswith(str(recording)) for path in files)
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    # Its own folders are closed to others.
    for path in (home / ".state" / "pgscope").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert SECRET not in guarded.log.read_text(errors="replace").replace(f"password '{SECRET}'", "")
