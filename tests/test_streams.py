"""The standard streams where they are full, closed, or cannot show what is printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pgscope.capture.recording.recording import Recording
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Poll
from tests.hurried_child import HURRIED

PATIENCE = 60.0


def shell(redirected: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program by a shell, with its streams redirected."""
    return subprocess.run(
        ["sh", "-c", f'exec env "$@" {redirected}', "sh"]
        + [f"{name}={value}" for name, value in environment.items()]
        + [sys.executable, "-m", "pgscope", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=90,
        check=False,
    )


SHOP = str(Path(__file__).parent / "tui" / "shop.pgscope")
PRINTING = [
    ["report", "--from", SHOP],
    ["report", "--from", SHOP, "--format", "json"],
    ["help"],
    ["help", "keys"],
    ["help", "attribution"],
    ["config", "show"],
    ["config", "path"],
    ["config", "check"],
    ["completion", "bash"],
    ["--help"],
    ["--version"],
]


@pytest.mark.parametrize("redirected", [">/dev/full", ">&-"])
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_full_or_closed_output_is_one_line_and_status_1(redirected: str, arguments: list[str]) -> None:
    ended = shell(redirected, *arguments)
    assert ended.returncode == 1
    reason = "No space left on device" if "full" in redirected else "Bad file descriptor"
    assert ended.stderr.decode() == f"pgscope: cannot write standard output: {reason}\n"
    assert not list(Path(os.environ["XDG_STATE_HOME"]).rglob("crash-*"))


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_what_an_encoding_cannot_show_is_replaced(arguments: list[str]) -> None:
    ended = shell("", *arguments, PYTHONIOENCODING="latin-1")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"???" not in ended.stdout, "no rules of question marks"


@pytest.mark.parametrize("form", ["json", "markdown", "html"])
def test_what_is_a_file_by_its_nature_is_utf8(form: str) -> None:
    options = ["report", "--from", SHOP, "--format", form]
    ended = shell("", *options, PYTHONIOENCODING="ascii")
    assert ended.stdout == shell("", *options, PYTHONIOENCODING="utf-8").stdout
    assert ended.returncode == 0
    assert not ended.stdout.isascii() or form == "json"


def test_what_a_server_is_asked_is_told_in_the_same_way(pg18: EmbeddedServer, tmp_path: Path) -> None:
    statement = tmp_path / "a.sql"
    statement.write_text("select 1")
    for command in (["doctor"], ["explain", "--file", str(statement)]):
        ended = shell(">/dev/full", *command, pg18.conninfo)
        assert ended.returncode == 1
        assert ended.stderr == b"pgscope: cannot write standard output: No space left on device\n"


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_reader_that_is_gone_is_told_nothing(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "pgscope", *arguments]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=90, check=False)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize("module", ["pgscope.cli.parser", "shtab", "pgscope.cli.streams"])
def test_an_interrupt_amid_imports_is_status_130_and_no_word(module: str) -> None:
    ended = signalled(signal.SIGINT, module, "completion", "bash")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("module", ["asyncio", "psycopg", "pgscope.recorder"])
def test_a_recorder_that_is_ended_amid_imports_ends_well(
    number: signal.Signals, module: str, tmp_path: Path
) -> None:
    ended = signalled(number, module, "record", "host=/no/such/folder", str(tmp_path / "a.rec"))
    assert (ended.returncode, ended.stderr) == (0, b"")


def signalled(number: signal.Signals, module: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program, which gets this signal when it begins to import the module."""
    code = f"""
import os, signal, sys

class Signalling:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {int(number)})

sys.meta_path.insert(0, Signalling())
from pgscope.cli import main
sys.exit(main({arguments!r}))
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=90, check=False)


@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["nonsense"], 2), (["help", "nosuch"], 2), (["doctor", "host=/no/such/folder"], 3)],
)
def test_an_error_that_cannot_be_told_has_its_status(
    redirected: str, arguments: list[str], status: int
) -> None:
    assert shell(redirected, *arguments).returncode == status


@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-", "<&- >&- 2>&-"])
def test_a_recorder_records_though_it_can_say_nothing(
    pg: EmbeddedServer, tmp_path: Path, redirected: str
) -> None:
    path = tmp_path / "a.rec"
    options = ["record", pg.conninfo, str(path), "--interval", "0.1"]
    recorder = subprocess.Popen(["sh", "-c", f'exec "$@" {redirected}', "sh", *HURRIED, *options])
    try:
        deadline = time.monotonic() + PATIENCE
        while not (path.exists() and path.stat().st_size and polls(path)):
            assert recorder.poll() is None and time.monotonic() < deadline, "it records nothing"
            time.sleep(0.2)
    finally:
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(PATIENCE) == 0


def polls(path: Path) -> int:
    recording = Recording.open(path)
    found = sum(isinstance(one, Poll) for one in recording.samples())
    recording.close()
    return found
