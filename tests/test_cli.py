"""The command line: what it prints, and with which status it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import psycopg
import pytest

from pgscope.cli import main
from pgscope.cli.parser import build_parser
from pgscope.embedded import EmbeddedServer


def pgscope(*arguments: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    """Run the program without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "pgscope", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What `pgscope` does, in this process: for what is the same however the program is started."""
    out, error = io.StringIO(), io.StringIO()
    with (
        Path(os.devnull).open() as nothing,
        redirect_stdout(out),
        redirect_stderr(error),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", nothing)
        try:
            status = main(arguments)
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            status = ended.code
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), error.getvalue())


def only_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["bogus"], "invalid choice"),
        (["report", "--duration", "soon"], "'soon' is not a number of seconds"),
        (["report", "--interval", "0"], "--interval"),
        (["report", "--sample-hz", "1000"], "0 to 100"),
        (["report", "--budget", "0"], "percent"),
        (["report", "--format", "xml"], "--format"),
        (["report", "--fail-on", "nonsense"], "one of: n_plus_one"),
        (["report", "--fail-on", "n_plus_one:sure"], "likely, confirmed"),
        (["report", "--output", "/no/such/folder/x"], "--output"),
        (["report", "host='x"], "or pairs"),
        (["report", "-p", "abc"], "invalid integer value"),
        (["connect", "-h", "/tmp"], "needs a terminal"),
        (["connect", "--bogus"], "pgscope connect: unrecognized arguments: --bogus"),
        (["report", "a", "--interval", "2", "b"], "pgscope report: unrecognized arguments: b"),
        (["connect", "a", "--bogus", "b"], "pgscope connect: unrecognized arguments: --bogus b"),
        (["record", "--redact"], "required: [CONNINFO] FILE"),
        (["conect"], "did you mean connect?"),
        (["connect", "--intervall", "2"], "did you mean --interval?"),
        (["record", "f", "--max-size", "9" * 400], "is not a size"),
        (["record", "f", "--max-age", "9" * 400], "is not a time"),
        (["explain", "--timeout", "inf"], "--timeout wants"),
        (["doctor", "-p", "abc"], "check -h, -p"),
    ],
)
def test_a_bad_option_is_one_line_and_status_2(arguments: Sequence[str], words: str) -> None:
    ended = (pgscope if arguments in ([], ["conect"]) else ran)(*arguments)
    assert ended.returncode == 2
    assert words in only_line(ended.stderr)
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("typed", "name", "words"),
    [
        ("record CONNINFO --redact FILE", "words", ["CONNINFO", "FILE"]),
        ("record CONNINFO FILE --redact", "words", ["CONNINFO", "FILE"]),
        ("record --redact CONNINFO --keep 2 FILE --no-findings", "words", ["CONNINFO", "FILE"]),
        ("connect prod --interval 2 billing", "conninfo", ["prod", "billing"]),
        ("connect a --interval 2 b --no-mouse c d", "conninfo", ["a", "b", "c", "d"]),
        ("connect --interval 2 a", "conninfo", ["a"]),
        ("connect", "conninfo", []),
        ("explain shop --analyze -", "words", ["shop", "-"]),
        ("report --interval 2 shop --duration 3", "conninfo", "shop"),
    ],
)
def test_words_may_stand_behind_options(typed: str, name: str, words: object) -> None:
    arguments = typed.split()
    for parser in (build_parser(arguments[0]), build_parser()):
        for _ in range(2):
            assert getattr(parser.parse_args(arguments), name) == words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-h", "/no/such/folder"], "check that the server runs"),
        (["postgresql://ann:s3cret@127.0.0.1:1/shop"], "check that the server runs"),
        (["service=nosuch"], "pg_service.conf"),
    ],
)
def test_a_failed_connection_is_one_line_and_status_3(arguments: Sequence[str], words: str) -> None:
    ended = pgscope("report", "--duration", "1", *arguments)
    assert ended.returncode == 3
    assert words in only_line(ended.stderr)
    assert "s3cret" not in ended.stderr


def test_a_role_or_database_that_is_not_there_is_told(pg: EmbeddedServer) -> None:
    named = {"psql -l": pg.conninfo_for(dbname="nosuch"), "\\du": pg.conninfo_for(user="nosuch")}
    for words, conninfo in named.items():
        ended = ran("report", "--duration", "1", conninfo)
        assert ended.returncode == 3
        assert "nosuch" in only_line(ended.stderr)
        assert words in ended.stderr


def test_a_recording_of_nothing_fails(tmp_path: Path) -> None:
    ended = pgscope("record", "--duration", "1", "host=/no/such/folder", str(tmp_path / "x.pgscope"))
    assert ended.returncode == 3
    assert "never reached" in ended.stderr.splitlines()[-1]


def test_a_plan_of_nothing_fails(pg: EmbeddedServer, tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_text("select * from t_nosuch")
    ended = ran("explain", pg.conninfo_for(), "--file", str(tmp_path / "x.sql"))
    assert ended.returncode == 4
    assert "t_nosuch" in ended.stderr


def test_the_doctor_ends_with_1_where_asked_to(pg: EmbeddedServer) -> None:
    conninfo = pg.conninfo_for()
    said = ran("doctor", conninfo)
    assert said.returncode == 0
    assert "  why:  " in said.stdout and "  mend: " in said.stdout
    assert ran("doctor", conninfo, "--fail-on", "role: superuser").returncode == 1
    assert ran("doctor", conninfo, "--fail-on", "any").returncode == 1
    assert ran("doctor", conninfo, "--fail-on", "pg_stat_statements").returncode == 0
    assert "no item is named 'x'" in ran("doctor", conninfo, "--fail-on", "x").stderr


def test_the_environment_counts_as_it_does_for_psql(
    pg18: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in (("PGHOST", str(pg18.socket_dir)), ("PGUSER", "postgres"), ("PGDATABASE", "postgres")):
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("PGPORT", str(pg18.port))
    ended = pgscope("report", "--duration", "1", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["server"]["database"] == "postgres"


def test_the_json_report_has_its_keys_and_adds_up(pg: EmbeddedServer) -> None:
    with psycopg.connect(pg.conninfo, application_name="t-report", autocommit=True) as client:
        command = [sys.executable, "-m", "pgscope", "report", pg.conninfo, "--duration", "1.5"]
        running = subprocess.Popen(
            [*command, "--interval", "0.3", "--format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ran = 0
        while running.poll() is None:
            client.execute("select count(*) as t_report from pg_class")
            ran += 1
            if ran % 50 == 0:
                client.execute("select pg_sleep(0.02)")
        out, error = running.communicate(timeout=60)
    assert running.returncode == 0, error
    report = json.loads(out)
    assert report["schema_version"] == 1
    assert report["server"]["version_num"] == pg.version_num
    assert 0 < report["window"]["seconds"] < 30
    (statement,) = [one for one in report["statements"] if "t_report" in one["query"]]
    assert isinstance(statement["queryid"], str)
    assert (statement["database"], statement["user"]) == ("postgres", "postgres")
    assert 0 < statement["calls"] <= ran
    assert statement["rows"] == statement["calls"]
    for one in report["statements"]:
        assert sum(share["share"] for share in one["applications"]) == pytest.approx(1.0)
        for share in one["applications"]:
            assert 0 <= share["low"] <= share["share"] <= share["high"] <= 1
            assert share["attribution"] in ("exact", "measured", "sampled", "unattributed")
    (application,) = [one for one in report["applications"] if one["application_name"] == "t-report"]
    assert application["sessions"] == 1
    assert application["calls"] <= sum(one["calls"] for one in report["statements"])
    # On a busy machine it may not have been sampled; but nobody else ran it.
    assert {share["application_name"] for share in statement["applications"]} <= {"t-report", None}
    by_application = sum(one["calls"] for one in report["applications"])
    assert by_application == pytest.approx(sum(one["calls"] for one in report["statements"]), rel=1e-3)
    assert "t-report" in [one["application_name"] for one in report["sessions"]]
    assert isinstance(report["lock_waits"], list)
    assert isinstance(report["findings"], list)


@pytest.mark.parametrize(
    ("form", "start", "name"),
    [
        ("text", "PostgreSQL {}.", "[/x] | *y*"),
        ("markdown", "# pgscope report", r"\[/x\] \| \*y\*"),
    ],
)
def test_the_report_for_people(
    pg: EmbeddedServer, pg_major: int, tmp_path: Path, form: str, start: str, name: str
) -> None:
    file = tmp_path / "report"
    with psycopg.connect(pg.conninfo, application_name="[/x] | *y*", autocommit=True):
        ended = ran("report", pg.conninfo, "--duration", "0.5", "--format", form, "--output", str(file))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    text = file.read_text()
    assert text.startswith(start.format(pg_major))
    assert name in text


def test_without_the_extension_statements_come_from_sessions(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True, application_name="t-bare") as client:
        client.execute("drop extension if exists pg_stat_statements")
        client.execute("select 42 as t_bare_statement")
        ended = ran("report", pg_database, "--duration", "1", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert any("CREATE EXTENSION pg_stat_statements" in notice for notice in report["notices"])
    (statement,) = [one for one in report["statements"] if "t_bare_statement" in one["query"]]
    assert [share["application_name"] for share in statement["applications"]] == ["t-bare"]


def test_a_window_reaches_to_its_end_however_far_apart_polls_are(pg18_database: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pgscope",
        "report",
        pg18_database,
        "--duration",
        "1.5",
        "--interval",
        "60",
        "--format",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["window"]["seconds"] >= 1.4
