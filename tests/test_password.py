"""Passwords: taken where psql takes them, asked for where one is wanted, and seen nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import psycopg
import pytest

from pgscope.cli import main
from pgscope.embedded import EmbeddedServer
from tests.leftovers import wait_until
from tests.tui.terminal import Terminal

SECRET = "pa55 w'ord"
REPORT = (sys.executable, "-m", "pgscope", "report", "--duration", "1", "--format", "json")


@contextmanager
def guarding(server: EmbeddedServer) -> Iterator[str]:
    """A conninfo without a password, of a role of whom the server wants one."""
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute("create role ann login superuser password 'pa55 w''ord'")
        hba = Path(admin.execute("show hba_file").fetchall()[0][0])
        before = hba.read_text()
        conninfo = server.conninfo_for(user="ann")
        try:
            hba.write_text(f"local all ann scram-sha-256\n{before}")
            admin.execute("select pg_reload_conf()")
            wait_until(lambda: not may_come(conninfo), "that it wants a password")
            yield conninfo
        finally:
            hba.write_text(before)
            admin.execute("select pg_reload_conf()")
            wait_until(lambda: may_come(conninfo), "that it wants none")
            admin.execute(
                "select pg_terminate_backend(pid, 60000) from pg_stat_activity where usename = 'ann'"
            )
            admin.execute("drop role ann")


def may_come(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def guarded(pg18: EmbeddedServer) -> Iterator[str]:
    """Such a conninfo on one major, for what is about the terminal."""
    with guarding(pg18) as conninfo:
        yield conninfo


def test_a_password_comes_from_the_environment_a_file_or_the_conninfo(
    pg: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(conninfo: str, **environment: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch, Path(os.devnull).open() as nothing:
            patch.setattr(sys, "stdin", nothing)
            for name, value in environment.items():
                patch.setenv(name, value)
            status = main(["doctor", conninfo])
        said = capsys.readouterr()
        return status, said.out, said.err

    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:ann:{SECRET}\n")
    passfile.chmod(0o600)
    with guarding(pg) as guarded:
        status, _, error = run(guarded)
        assert status == 3
        assert "PGPASSWORD or .pgpass" in error
        status, _, error = run(guarded, PGPASSWORD="wr0ng")
        assert status == 3
        assert "check the password" in error
        assert "wr0ng" not in error
        for right in (
            run(guarded, PGPASSWORD=SECRET),
            run(guarded, PGPASSFILE=str(passfile)),
            run(guarded + " password='pa55 w\\'ord'"),
        ):
            assert right[0] == 0, right
            assert "pa55" not in right[1] + right[2]


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
