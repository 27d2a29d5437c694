"""Passwords: taken where psql takes them, asked for where one is wanted, and seen nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import psycopg
import pytest

from pgscope.embedded import EmbeddedServer
from tests.tui.terminal import Terminal

SECRET = "pa55 w'ord"
REPORT = (sys.executable, "-m", "pgscope", "report", "--duration", "1", "--format", "json")


@pytest.fixture
def guarded(fresh_pg: Callable[..., EmbeddedServer]) -> Iterator[str]:
    """A conninfo without a password, of a server that wants one."""
    server = fresh_pg(18)
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute("create role ann login superuser password 'pa55 w''ord'")
        hba = Path(admin.execute("show hba_file").fetchall()[0][0])
        hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        admin.execute("select pg_reload_conf()")
    yield server.conninfo_for(user="ann")


def run(conninfo: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*REPORT, conninfo],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_password_comes_from_the_environment_a_file_or_the_conninfo(guarded: str, tmp_path: Path) -> None:
    missing = run(guarded)
    assert missing.returncode == 3
    assert "PGPASSWORD or .pgpass" in missing.stderr
    wrong = run(guarded, PGPASSWORD="wr0ng")
    assert wrong.returncode == 3
    assert "check the password" in wrong.stderr
    assert "wr0ng" not in wrong.stderr
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:ann:{SECRET}\n")
    passfile.chmod(0o600)
    for right in (
        run(guarded, PGPASSWORD=SECRET),
        run(guarded, PGPASSFILE=str(passfile)),
        run(guarded + " password='pa55 w\\'ord'"),
    ):
        assert right.returncode == 0, right.stderr
        assert "pa55" not in right.stdout + right.stderr


def test_a_password_is_asked_for_at_a_terminal_and_not_echoed(guarded: str) -> None:
    child = pexpect.spawn(REPORT[0], [*REPORT[1:], guarded], encoding="utf-8", timeout=60)
    child.expect("Password for")
    child.sendline("wr0ng")
    child.expect("check the password")
    child.expect("Password for")
    child.sendline(SECRET)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "pa55" not in str(child.before)
    asked = pexpect.spawn(REPORT[0], [*REPORT[1:], "-w", guarded], encoding="utf-8", timeout=60)
    asked.expect("PGPASSWORD or .pgpass")
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == 3


def test_the_password_of_the_server_that_explains_is_asked_for(guarded: str, tmp_path: Path) -> None:
    """It is another one than that of the server watched, which wants none here."""
    watched = guarded.replace("user=ann", "user=postgres")
    assert watched != guarded
    statement = tmp_path / "statement.sql"
    statement.write_text("select 1 as one")
    words = ["-m", "pgscope", "explain", watched, "--explain-conninfo", guarded, "--file", str(statement)]
    child = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=60)
    child.expect("Password for [^:]*user=ann")
    child.sendline("wr0ng")
    child.expect("check the password")
    child.expect("Password for [^:]*user=ann")
    child.sendline(SECRET)
    child.expect("another server[^\n]+ as ann,")
    child.expect(pexpect.EOF)
    assert "Result" in str(child.before)
    assert "pa55" not in str(child.before)
    child.close()
    assert child.exitstatus == 0

    unasked = pexpect.spawn(sys.executable, [*words, "-w"], encoding="utf-8", timeout=60)
    unasked.expect(pexpect.EOF)
    assert "Password" not in str(unasked.before).replace("PGPASSWORD", "")
    assert "PGPASSWORD or .pgpass" in str(unasked.before)
    unasked.close()
    assert unasked.exitstatus == 3


def test_the_screen_asks_for_the_password_of_the_server_that_explains(guarded: str) -> None:
    watched = guarded.replace("user=ann", "user=postgres")
    with Terminal("connect", watched, "--explain-conninfo", guarded) as terminal:
        terminal.until("user=ann")
        assert "Password for" in terminal.text
        assert "Applications" not in terminal.text
        terminal.press(SECRET + "\r", then="1 Applications")
        terminal.press("q")
        assert terminal.ended() == 0
        assert b"pa55" not in terminal.bytes
