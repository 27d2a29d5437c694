"""`pgscope record` on real servers: from before they are up, through their restart, until it is killed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgscope.capture.recording.recording import Recording
from pgscope.cli import main
from pgscope.sample import Catalog, Connected, Disconnected, Look, Poll, Sample, StatementTexts
from tests.conftest import FreshServer
from tests.hurried_child import HURRIED
from tests.recording.test_format import decompressed

_PATIENCE = 60.0
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `pgscope record` with these arguments."""
    started = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [*HURRIED, "record", *arguments]
        one = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        started.append(one)
        return one

    yield run
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()


def until(path: Path, condition: Callable[[list[Sample]], object], what: str) -> list[Sample]:
    deadline = time.monotonic() + _PATIENCE
    while True:
        found: list[Sample] = []
        if path.exists() and path.stat().st_size:
            recording = Recording.open(path)
            found = list(recording.samples())
            assert not recording.damage
            recording.close()
        if condition(found):
            return found
        assert time.monotonic() < deadline, f"never: {what}; {[type(one).__name__ for one in found]}"
        time.sleep(0.2)


def kinds(found: list[Sample]) -> set[type]:
    return {type(one) for one in found}


def test_it_records_a_server_until_asked_to_end_and_redacts_what_it_shows(
    pg_database: str, pg_major: int, start: Start, tmp_path: Path
) -> None:
    path, redacted = tmp_path / "a.rec", tmp_path / "redacted.rec"
    with psycopg.connect(pg_database, application_name="shop", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        recorder = start(pg_database, str(path), "--interval", "0.2")
        redacting = start(pg_database, str(redacted), "--interval", "0.2", "--redact")
        connection.execute("SELECT 'a literal of mine', 123454321")
        found = until(
            path,
            lambda found: {Connected, Poll, Look, StatementTexts, Catalog} <= kinds(found),
            "samples of every kind",
        )
        shows = "SELECT $1, $2"
        until(
            redacted,
            lambda found: any(
                one.query == shows for poll in found if isinstance(poll, Poll) for one in poll.sessions
            ),
            "the statement without its constants",
        )
    polls = [one for one in found if isinstance(one, Poll)]
    assert any(session.application_name == "shop" for one in polls for session in one.sessions)
    recorder.send_signal(signal.SIGTERM)
    redacting.send_signal(signal.SIGINT)
    _, said = recorder.communicate(timeout=_PATIENCE)
    assert recorder.returncode == 0, said
    assert f"connected: PostgreSQL {pg_major}." in said
    written = decompressed(path.read_bytes())
    assert b"a literal of mine" in written and b"123454321" in written
    redacting.communicate(timeout=_PATIENCE)
    written = decompressed(redacted.read_bytes())
    assert b"literal of mine" not in written and b"123454321" not in written


def test_it_outlives_its_terminal_where_the_hang_up_is_ignored(
    pg_database: str, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "a.rec"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does: the child has it so too
    try:
        recorder = start(pg_database, str(path), "--interval", "0.2")
    finally:
        signal.signal(signal.SIGHUP, before)
    many = len(until(path, lambda found: Poll in kinds(found), "polls"))
    recorder.send_signal(signal.SIGHUP)
    until(path, lambda found: len(found) > many + 3, "more of them")
    recorder.send_signal(signal.SIGTERM)
    recorder.communicate(timeout=_PATIENCE)
    assert recorder.returncode == 0


def test_it_starts_before_the_server_and_outlives_it(
    fresh_pg: FreshServer, pg_major: int, start: Start, tmp_path: Path
) -> None:
    server = fresh_pg(pg_major)
    conninfo = f"{server.conninfo} password=notforthefile"
    server.shut_down("immediate")
    path = tmp_path / "a.rec"
    recorder = start(conninfo, str(path), "--interval", "0.2")
    until(path, lambda found: Disconnected in kinds(found), "that there is no server")
    server.start_again()
    until(path, lambda found: Poll in kinds(found), "polls of the server that came")
    server.shut_down("immediate")
    until(path, lambda found: isinstance(found[-1], Disconnected), "the loss")
    server.start_again()
    until(path, lambda found: isinstance(found[-1], Look | Poll), "the server again")
    recorder.kill()
    recorder.wait()
    assert b"notforthefile" not in decompressed(path.read_bytes())
    recording = Recording.open(path)
    assert recording.end > 0
    recording.close()


def test_what_cannot_be_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [
        ["record", "postgresql://h/d"],
        ["record", "a", "b", "c"],
        ["record", "shop", str(tmp_path / "no" / "a")],
    ]
    for arguments in wrong:
        assert main(arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    for option in (["--max-size", "12x"], ["--max-age", "soon"]):
        with pytest.raises(SystemExit):
            main(["record", "a", *option])
