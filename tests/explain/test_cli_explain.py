"""`pgscope explain` on a real server: what it prints, what it refuses, and with which status."""

from __future__ import annotations

import io
import json
from pathlib import Path

import psycopg
import pytest

from pgscope.capture.plan_store import PlanStore
from pgscope.cli import main
from pgscope.server.conninfo import Target

RUN_LIVE = ("--analyze", "--values-from", "live")
QUERY = "SELECT * FROM app.orders WHERE customer = 5"


def command(*words: str) -> int:
    return main(["explain", *words])


def test_a_statement_from_a_file_and_from_standard_input(
    reader: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "q.sql"
    file.write_text(QUERY + ";\n")
    assert command(reader.conninfo(), "--file", str(file), "--analyze", "--width", "80") == 0
    printed = capsys.readouterr().out
    assert "Bitmap Heap Scan on app.orders" in printed
    assert "plan_cache_mode" not in printed
    assert "planned by" in printed and "as reader" in printed
    assert "blocks:" in printed
    monkeypatch.setattr("sys.stdin", io.StringIO(QUERY))
    # `-` is never the CONNINFO, wherever it stands.
    assert command("-", reader.conninfo(), "--analyze") == 0
    assert "since the last time: same plan" in capsys.readouterr().out


def test_json_is_the_server_s_own(
    reader: Target, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(QUERY))
    assert command(reader.conninfo(), "-", "--format", "json") == 0
    out, beside = capsys.readouterr()
    document = json.loads(out)
    assert document[0]["Plan"]["Total Cost"] > 0
    assert "planned by" in beside


def test_a_refusal_has_status_4_and_points_at_the_place(
    reader: Target, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT id,\n  nextval('app.numbers')\nFROM app.orders"))
    assert command(reader.conninfo(), "-", "--analyze") == 4
    out, said = capsys.readouterr()
    assert out == ""
    first, line, caret = said.splitlines()
    assert first.startswith("pgscope: refused: it may call nextval(regclass)")
    assert line[caret.index("^") :].startswith("nextval")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--file", "/nowhere/q.sql"),
        ("-", "--file", "x"),
        ("--queryid", "1", "--values-from", "live"),
        ("--queryid", "123"),
        ("-", "--value", "x"),
        ("-", "--timeout", "0"),
        ("another", "-"),
    ],
)
def test_a_wrong_command_has_status_2_and_one_line(
    reader: Target, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert command(reader.conninfo(), *words) == 2
    out, said = capsys.readouterr()
    assert out == "" and len(said.splitlines()) == 1


def test_no_server_has_status_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "q.sql"
    file.write_text(QUERY)
    assert command(f"host={tmp_path} dbname=x", "--file", str(file)) == 3
    assert "cannot connect" in capsys.readouterr().err


def test_a_statement_by_its_queryid_with_values(
    admin: Target, reader: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(reader.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT status, count(*) FROM app.orders WHERE customer = 9 GROUP BY 1")
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        row = connection.execute(
            "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT status, count%'"
        ).fetchone()
        assert row is not None
        connection.execute("GRANT pg_read_all_stats TO reader")
    queryid = str(row[0])
    assert command(reader.conninfo(), "--queryid", queryid) == 0
    out = capsys.readouterr().out
    assert "a generic plan" in out
    assert "the Query Identifier is that of the statement" in out
    assert command(reader.conninfo(), "--queryid", queryid, "--analyze") == 4
    assert "--value 1=" in capsys.readouterr().err
    assert command(reader.conninfo(), "--queryid", queryid, "--analyze", "--value", "1=9") == 0
    assert "$1 = '9': given" in capsys.readouterr().out
    assert (
        command(reader.conninfo(), "--queryid", queryid, "--analyze", "--values-from", "pg_stats:rare") == 0
    )
    assert "(pg_stats)" in capsys.readouterr().out
    with psycopg.connect(reader.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT status, count(*) FROM app.orders WHERE customer = 9 GROUP BY 1")
        assert command(reader.conninfo(), "--queryid", queryid, *RUN_LIVE) == 0
    assert "orders.customer = 9" in capsys.readouterr().out


def test_another_server_is_said(
    reader: Target, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(QUERY))
    assert command(reader.conninfo(), "-", "--explain-conninfo", reader.conninfo()) == 0
    assert "(another server)" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("DELETE FROM app.orders"))
    assert command(reader.conninfo(), "-", "--analyze", "--explain-conninfo", reader.conninfo()) == 4
    assert "is the one watched" in capsys.readouterr().err


def test_plans_are_kept_unless_told_otherwise(
    reader: Target, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 FROM app.orders WHERE status = 'secret word'"))
    assert command(reader.conninfo(), "-", "--no-save") == 0
    assert PlanStore().everything() == ()
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 FROM app.orders WHERE status = 'secret word'"))
    assert command(reader.conninfo(), "-") == 0
    (kept,) = PlanStore().everything()
    assert "$1" in kept.text
    for path in PlanStore().folder.iterdir():
        assert "secret word" not in path.read_text()
    capsys.readouterr()
