"""Words of others on the command line, in the environment and in the configuration: told as text."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgscope.cli import main
from pgscope.text import clean

HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202e"


def told(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> tuple[int, str]:
    """The exit status and all that was written."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    said = capsys.readouterr()
    return status, said.out + said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "FILE"],
        ["replay", "MISSING"],
        ["report", "--from", "FILE"],
        ["report", "--from", "MISSING"],
        ["record", "host=/nowhere", "MISSING/x", "--duration", "1"],
        ["explain", "--file", "MISSING"],
        ["explain", "-h", "/nowhere", HOSTILE],
        ["doctor", "-h", HOSTILE],
        ["doctor", "-d", HOSTILE, "-h", "/nowhere"],
        ["doctor", "-p", HOSTILE],
        ["doctor", f"sslmode='{HOSTILE}'"],
        ["doctor", "-h", "a" * 64],
        ["doctor", "-h", "a..b"],
        ["demo", HOSTILE],
        ["help", HOSTILE],
        [HOSTILE],
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "HOSTILE")[:40],
)
def test_arguments(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of files come with what was downloaded, names of hosts from inventories."""
    (tmp_path / HOSTILE).write_text("x")
    files = {"FILE": str(tmp_path / HOSTILE), "MISSING": str(tmp_path / "no" / HOSTILE)}
    for word, file in files.items():
        arguments = [one.replace(word, file) for one in arguments]
    status, said = told(capsys, arguments)
    assert status in (2, 3), said
    assert said
    assert clean(said) == said


def test_plans_and_refusals(pg_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of tables, columns and constants of others in nodes, errors, hints and places."""
    table = sql.Identifier(f"t{HOSTILE}")
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute(sql.SQL("create table {0} ({0} text)").format(table))
        admin.execute(
            sql.SQL(
                "create function {0}() returns int language plpgsql immutable as $$ begin raise exception"
                " using message = {1}, detail = {1}, hint = {1}, errcode = 'P0001'; end $$"
            ).format(table, sql.Literal(HOSTILE))
        )
        statement = sql.SQL("select {0} from {0} where {0} = {1}").format(table, sql.Literal(HOSTILE))
        name = table.as_string(admin)
        asked = {
            statement.as_string(admin): 0,
            f"select nothing from {name}": 4,
            f"select {name}.nothing from {name}": 4,
            f"select {name}()": 4,
            f"select 1 /* {HOSTILE} */; select '{HOSTILE}'": 4,
            f"select '{HOSTILE}' from from": 4,
        }
        for text, expected in asked.items():
            (tmp_path / "statement").write_text(text)
            words = ["explain", "--no-save", "--file", str(tmp_path / "statement"), pg_database]
            for more in ([], ["--allow-functions"], ["--format", "json"]):
                status, said = told(capsys, [*words, *more])
                assert status == expected, said
                assert said
                assert clean(said) == said


@pytest.mark.parametrize(
    "text",
    [
        r'theme = "\u001b[31m"',
        r'"\u001b]0;x\u0007" = 3',
        "x\x1b = 3",
        r'[connections."\u001b[1m"]' + '\nhost = "x"',
        r'[connections."\u001b[1m"]' + '\nnothing = "\\u001b[1m"',
        r"[columns]" + "\n" + r'sessions = ["\u001b[1m"]',
        r"[keys]" + "\n" + r'"app.quit" = "\u001b[1m"',
    ],
)
def test_the_configuration(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "pgscope"
    folder.mkdir()
    (folder / "config.toml").write_text(text)
    for arguments in (["config", "show"], ["config"], ["doctor", "nosuch", "-h", "/nowhere"]):
        _, said = told(capsys, arguments)
        assert said
        assert clean(said) == said


def test_what_libraries_log_is_not_on_the_terminal() -> None:
    """psycopg would put the server's words there as they are, asyncio whole tracebacks."""
    code = (
        "import logging, pgscope.server.connection\n"
        "for name in ('psycopg', 'asyncio'): logging.getLogger(name).error('%s', '\\x1b[31m')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")
