"""A bug of pgscope's own: the terminal is restored, and a report without literals and secrets is left."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import cast

import pexpect
import psycopg
import pytest

from pgscope.cli import crash
from pgscope.embedded import EmbeddedServer

LITERAL = "a-litera1-of-somebody"
SECRET = "pa55word-of-mine"
CHILD = Path(__file__).with_name("crash_child.py")


def test_the_screen_fails(pg18: EmbeddedServer) -> None:
    state = Path(os.environ["XDG_STATE_HOME"])
    environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    with psycopg.connect(pg18.conninfo, autocommit=True) as client:
        client.execute(f"select '{LITERAL}'".encode())
        child = pexpect.spawn(
            sys.executable,
            [str(CHILD), "connect", f"{pg18.conninfo} password={SECRET}"],
            dimensions=(24, 80),
            env=environment,
            timeout=90,
        )
        child.expect("1 Applications")
        child.send("2")
        child.expect(pexpect.EOF)
        child.close()
    assert child.exitstatus == crash.EXIT_STATUS
    said = cast("bytes", child.before)
    after = said[said.rindex(b"\x1b[?1049l") :].decode()
    assert "\x1b[?25h" in after + said.decode(errors="replace"), "the cursor is back"
    assert re.search(r"ValueError at \S*crash_child\.py:", after)
    assert "Traceback" not in after
    (report,) = (state / "pgscope").glob("crash-*.txt")
    assert report.name in after.replace("\r\n", "")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    text = report.read_text()
    assert "crash_child.py" in text
    assert "in failing" in text
    for kept in (LITERAL, SECRET, str(Path.home())):
        assert kept not in text
        assert kept not in after.replace(str(report), "")
    # Nothing of it in any other file either.
    for path in state.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()


def test_no_screen_was_up(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug before the screen, or in a report, is told in the same way."""
    from pgscope.cli import main

    def failing(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("pgscope.cli.parser.build_parser", lambda *_: _Parser(failing))
    assert main([]) == crash.EXIT_STATUS
    error = capsys.readouterr().err
    assert "RuntimeError" in error
    assert SECRET not in error


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "state"
    folder.symlink_to(elsewhere)
    with pytest.raises(OSError):
        crash.write(ValueError("x"), folder)
    assert list(elsewhere.iterdir()) == []


def test_causes_are_told() -> None:
    try:
        try:
            raise KeyError(LITERAL)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        text = crash.text(error)
    assert text.index("builtins.ValueError") < text.index("builtins.KeyError")
    assert LITERAL not in text
    assert SECRET not in text
    assert "test_crash.py" in text


class _Parser:
    """Arguments whose command fails."""

    def __init__(self, run: object) -> None:
        self.run = run

    def parse_args(self, argv: object) -> _Parser:
        return self
