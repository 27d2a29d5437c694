"""Through PgBouncer: in session mode it works; in the others it says what does not and what to do."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgscope.embedded import EmbeddedServer
from pgscope.embedded.account import server_account
from pgscope.errors import ConnectionFailed
from pgscope.sample import Look, Poll
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from tests.streams import streaming

Pooled = Callable[..., str]


@pytest.fixture
def pooled(pg: EmbeddedServer, tmp_path: Path) -> Iterator[Pooled]:
    """Starts PgBouncer before the server: `pooled("session", pool_size=2)` gives a conninfo."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian's package of that name has it)")
    started: list[subprocess.Popen[bytes]] = []

    def start(mode: str, pool_size: int = 20, more: str = "") -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = pg.folder / f"pgbouncer-{port}.ini"
        config.write_text(
            # "any" lets everybody in as the user named here.
            f"[databases]\n* = host={pg.socket_dir} user=postgres port={pg.port}\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\nauth_file =\n"
            f"pool_mode = {mode}\ndefault_pool_size = {pool_size}\n{more}\n"
        )
        config.chmod(0o644)
        account = server_account()
        started.append(
            subprocess.Popen(
                [program, str(config)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # It refuses to run as root, as the server does.
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        )
        conninfo = make_conninfo(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(conninfo, autocommit=True).close()
                return conninfo
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                assert started[-1].poll() is None, "pgbouncer ended"
                time.sleep(0.05)

    yield start
    for process in started:
        process.kill()
        process.wait()


async def test_session_mode_works(pooled: Pooled) -> None:
    conninfo = pooled("session")
    async with streaming(conninfo) as stream:
        await stream.more(Poll, 3)
        await stream.more(Look, 3)
        assert stream.snapshot.link.connected
        assert stream.snapshot.notices == ()
        own = [one for one in stream.snapshot.sessions if one.application_name == "pgscope"]
        assert own


async def test_what_was_set_is_left_to_nobody(pooled: Pooled, monkeypatch: pytest.MonkeyPatch) -> None:
    # It waits for a second session, which this pool does not have.
    monkeypatch.setattr("pgscope.server.pooler._PATIENCE", 0.7)
    conninfo = pooled("session", pool_size=1)
    connection = await connect(target(conninfo))
    await connection.close()
    with psycopg.connect(conninfo, autocommit=True) as client:
        assert client.execute("show default_transaction_read_only").fetchone() == ("off",)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_other_modes_are_refused_and_left_alone(pooled: Pooled, mode: str) -> None:
    """Nothing of pgscope's settings stays in a session that applications get next."""
    conninfo = pooled(mode)
    with psycopg.connect(conninfo, autocommit=True) as client:
        before = client.execute("select 1").fetchall()
        with pytest.raises(ConnectionFailed) as refused:
            await connect(target(conninfo))
        for _ in range(5):
            row = client.execute(
                "select current_setting('default_transaction_read_only'),"
                " current_setting('search_path'), current_setting('statement_timeout')"
            ).fetchone()
            assert row == ("off", '"$user", public', "0")
    assert before == [(1,)]
    said = str(refused.value)
    assert "PgBouncer" in said
    assert "connect to the server itself" in said
    assert "\n" not in said


@contextlib.contextmanager
def busy(conninfo: str, clients: int) -> Iterator[None]:
    """Many clients of the pool, each in short transactions of several statements, with short rests."""
    over = threading.Event()
    done = [0] * clients

    def work(number: int) -> None:
        chance = random.Random(number)
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as client:
            while not over.is_set():
                with client.transaction():
                    client.execute("select pg_sleep(%s)", (chance.random() / 200,))
                    client.execute("select 1")
                done[number] += 1
                time.sleep(chance.random() / 100)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 60
        while not all(done):
            assert time.monotonic() < deadline, done
            time.sleep(0.02)
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert all(done)


POOLS = [
    ("transaction", 20, "", 0),
    ("transaction", 1, "", 0),
    ("transaction", 2, "server_round_robin = 1\nmin_pool_size = 2", 0),
    ("transaction", 4, "server_round_robin = 1\nmin_pool_size = 4", 0),
    ("transaction", 1, "", 3),
    ("transaction", 5, "", 12),
    ("transaction", 20, "", 12),
    ("transaction", 10, "server_round_robin = 1", 12),
    ("statement", 20, "", 0),
]


@pytest.mark.parametrize(("mode", "pool_size", "more", "clients"), POOLS)
async def test_lending_is_known_each_time(
    pooled: Pooled, mode: str, pool_size: int, more: str, clients: int
) -> None:
    conninfo = pooled(mode, pool_size=pool_size, more=more)
    with busy(conninfo, clients) if clients else contextlib.nullcontext():
        for turn in range(8):
            with pytest.raises(ConnectionFailed, match="lends a session"):
                await connect(target(conninfo))
                pytest.fail(f"not known at turn {turn}")


@pytest.mark.parametrize("more", ["", "server_round_robin = 1"])
async def test_a_busy_pool_in_session_mode_is_not_taken_for_one_that_lends(pooled: Pooled, more: str) -> None:
    conninfo = pooled("session", pool_size=20, more=more)
    with busy(conninfo, 8):
        for _ in range(2):
            connection = await connect(target(conninfo))
            await connection.close()
