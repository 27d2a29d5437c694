"""The standard streams where they are full, closed, or cannot show what is printed."""

from __future__ import annotations

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
