"""The embedded server: starts, restarts, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from pgscope.embedded import EmbeddedError, EmbeddedServer, find_binaries, from_bin
from tests.conftest import FreshServer
from tests.leftovers import owner, short_root, wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel feature is Linux's")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another account")

OWN = """
import json, os, sys, time
from pathlib import Path
from pgscope.embedded import EmbeddedServer
server = EmbeddedServer.start(root=Path(os.environ["ROOT"]))
client = server.spawn([sys.executable, "-c", "import time; time.sleep(600)"], env={})
if os.environ.get("FORK"):
    worker = os.fork()
    if worker == 0:
        time.sleep(600)
else:
    worker = 0
print(json.dumps({"reaper": server.reaper_pid, "server": server.pid, "client": client, "worker": worker,
    "conninfo": server.conninfo}), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_when_the_owner_is_killed(number: signal.Signals) -> None:
    with owner(OWN) as running:
        told = running.report()
        with closing(psycopg.connect(told["conninfo"])) as connection:
            connection.execute("SELECT 1")
            running.look()
            assert {told["reaper"], told["server"], told["client"]} <= set(running.seen)
            assert len(running.seen) > 5  # and the server's own processes
            os.kill(running.process.pid, number)
            running.assert_nothing_left()


@pytest.mark.parametrize("sign", ["lock", "data/PG_VERSION", "data/global/pg_control", "data/postmaster.pid"])
def test_nothing_is_left_when_the_owner_is_killed_half_way(sign: str) -> None:
    with owner(OWN) as running:
        wait_until(lambda: list(running.root.glob(f"pgscope-*/{sign}")), sign)
        running.look()
        running.process.kill()
        running.assert_nothing_left()


@linux
def test_nothing_runs_when_the_reaper_is_killed_and_the_next_start_sweeps() -> None:
    with owner(OWN) as running:
        told = running.report()
        os.kill(told["reaper"], signal.SIGKILL)
        wait_until(running.all_ended, "the processes end")
        assert list(running.root.iterdir())
        with EmbeddedServer.start(root=running.root) as server:
            assert list(running.root.iterdir()) == [server.folder]


def test_a_forked_worker_does_not_keep_the_server() -> None:
    with owner(OWN, FORK="1") as running:
        told = running.report()
        worker = psutil.Process(told["worker"])
        try:
            running.seen.pop(worker.pid, None)
            running.process.kill()
            running.assert_nothing_left()
            assert worker.is_running()
        finally:
            worker.kill()


def test_a_thread_that_ends_does_not_take_the_server_with_it() -> None:
    started: list[EmbeddedServer] = []
    thread = threading.Thread(target=lambda: started.append(EmbeddedServer.start()))
    thread.start()
    thread.join()
    with started[0] as server, psycopg.connect(server.conninfo) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_sweep_spares_the_living() -> None:
    with short_root() as root, EmbeddedServer.start(root=root) as first:
        with EmbeddedServer.start(root=root):
            pass
        with psycopg.connect(first.conninfo) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_restarts_keep_the_data(fresh_pg: FreshServer) -> None:
    server = fresh_pg()
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        connection.execute("CHECKPOINT")
    pids = {server.pid}

    def crash() -> None:
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: server.poll(server.pid) is not None, "the postmaster is gone")
        server.start_again()

    def pause() -> None:
        server.shut_down()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.conninfo)
        server.start_again()

    ways: list[Callable[[], None]] = [server.restart, lambda: server.restart("immediate"), crash, pause]
    for again in ways:
        again()
        pids.add(server.pid)
        with psycopg.connect(server.conninfo) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    assert len(pids) == 5


def test_it_listens_on_a_socket_only_and_only_for_us(pg18: EmbeddedServer) -> None:
    assert psutil.Process(pg18.pid).net_connections("inet") == []
    assert pg18.socket_dir.stat().st_mode & 0o077 == 0


def test_a_server_that_cannot_start_says_why_and_leaves_nothing() -> None:
    with short_root() as root:
        with pytest.raises(EmbeddedError, match="max_connections"):
            EmbeddedServer.start(settings={"max_connections": "many"}, root=root)
        assert list(root.iterdir()) == []


def test_a_long_temporary_folder_does_not_break_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", None)
    with EmbeddedServer.start() as server, psycopg.connect(server.conninfo) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_stopping_twice_is_stopping_once() -> None:
    server = EmbeddedServer.start()
    server.stop()
    server.stop()
    assert not server.folder.exists()


def test_a_backend_that_hangs_is_not_left_behind() -> None:
    server = EmbeddedServer.start()
    connection = psycopg.connect(server.conninfo)
    backend = psutil.Process(connection.info.backend_pid)
    backend.suspend()
    server.stop("immediate")
    connection.close()
    wait_until(lambda: not backend.is_running(), "the backend is gone")


@as_root
def test_programs_in_a_closed_folder_are_copied(tmp_path: Path) -> None:
    own = find_binaries()
    closed = tmp_path / "closed"
    for folder in (own.tree, *own.libraries):
        target = closed / "site" / folder.relative_to(own.tree.parent.parent)
        shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns("include", "doc"))
    closed.chmod(0o700)
    moved = from_bin(closed / "site" / own.tree.parent.name / own.tree.name / "bin")
    moved = type(own)(moved.bin, moved.tree, tuple(closed / "site" / each.name for each in own.libraries))
    with EmbeddedServer.start(moved) as server, psycopg.connect(server.conninfo) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert psutil.Process(server.pid).uids().real != 0


@as_root
@linux
def test_an_ordinary_user_has_the_same() -> None:
    with owner(OWN, *ordinary_user()) as running:
        running.report()
        assert running.process.pid not in running.seen
        assert running.uids == {65534}
        running.process.kill()
        running.assert_nothing_left()


def ordinary_user() -> list[str]:
    """A command that drops root for an account that still may *read* our closed home."""
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*command, "true"], check=False).returncode != 0:
        pytest.skip("setpriv cannot become an ordinary user here")
    return command


def test_a_named_folder_wins_and_a_wrong_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = find_binaries()
    monkeypatch.setenv("PGSCOPE_PG_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match="PGSCOPE_PG_BIN"):
        find_binaries()
    monkeypatch.setenv("PGSCOPE_PG_BIN", str(own.bin))
    assert find_binaries().bin == own.bin
