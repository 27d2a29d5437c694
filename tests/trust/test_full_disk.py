"""A full disk, as the system says it (by a limit on files): told in one line, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgscope.analysis.findings import FindingSettings
from pgscope.capture.actions import Actions, request_for
from pgscope.capture.audit import AuditLog
from pgscope.capture.keeping import keep
from pgscope.capture.plan_store import PlanStore
from pgscope.capture.recording.recording import Recording
from pgscope.cli import crash
from pgscope.config import Config, ConfigError, config_path, keep_ignored, load
from pgscope.sample import Poll
from pgscope.server.conninfo import target
from pgscope.server.explain import ExplainRequest, explain
from pgscope.tui.app import PgscopeApp
from pgscope.tui.plans.save import save_json
from tests.hurried_child import HURRIED
from tests.streams import streaming
from tests.tui.driving import until
from tests.tui.recorded import shop

PATIENCE = 90.0


@contextlib.contextmanager
def full(most: int = 0) -> Iterator[None]:
    """No file gets larger than so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_an_action_is_done_and_the_record_stays_whole(pg18_database: str, tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "state" / "actions.jsonl")
    actions = Actions(target(pg18_database), log)
    ended = 0
    # The file takes nothing at all, or the half of a line.
    for turn, room in enumerate((None, 0, 100, None)):
        with psycopg.connect(pg18_database, autocommit=True, application_name=f"t_full_{turn}") as client:
            async with streaming(pg18_database) as stream:
                await stream.until(
                    lambda name=f"t_full_{turn}": any(  # type: ignore[misc]
                        one.application_name == name for one in stream.snapshot.sessions
                    ),
                    "the session",
                )
                (session,) = [
                    one for one in stream.snapshot.sessions if one.application_name == f"t_full_{turn}"
                ]
            size = log.path.stat().st_size if log.path.exists() else 0
            with full(size + room) if room is not None else contextlib.nullcontext():
                done = await actions.run([request_for("terminate", session)])
            assert done.results[0].outcome == "done", done
            with pytest.raises(psycopg.OperationalError):
                client.execute("select 1")
        if room is None:
            assert done.unrecorded == ""
            ended += 1
        else:
            assert done.unrecorded.startswith(f"cannot write {log.path}: ")
            assert "\n" not in done.unrecorded
        lines = log.path.read_text().splitlines()
        assert len(lines) == ended
        assert [json.loads(line)["action"] for line in lines] == ["terminate"] * ended


async def test_a_plan_is_shown_though_it_cannot_be_kept(pg18_database: str, tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    request = ExplainRequest("select 1")
    result = await explain(request, target(pg18_database))
    for room, left in ((0, 0), (200, 0), (None, 1)):
        with full(room) if room is not None else contextlib.nullcontext():
            kept = keep(store, request, result, time.time())
        assert bool(kept.problem) == (room is not None)
        assert "\n" not in kept.problem
        assert len(list(store.folder.iterdir())) == left, "no half of a plan stays"
    assert store.everything()


def test_a_plan_saved_by_a_key_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with full(50), pytest.raises(OSError):
        save_json("[" + "1, " * 100 + "1]", "plan", 0.0)
    assert not list(tmp_path.rglob("plan-*.json"))
    assert save_json("[1]", "plan", 0.0).exists()


def test_the_configuration_stays_as_it_was(tmp_path: Path) -> None:
    path = config_path()
    keep_ignored("0123456789ab", "a note")
    before = path.read_text()
    for room in (0, 50):
        with full(room), pytest.raises(ConfigError) as failed:
            keep_ignored("ba9876543210", "another")
        assert str(failed.value).startswith(f"cannot write {path}: ")
        assert "\n" not in str(failed.value)
        assert path.read_text() == before
        assert [one.name for one in path.parent.iterdir()] == [path.name]
    keep_ignored("ba9876543210", "another")
    assert set(load().ignored) == {"0123456789ab", "ba9876543210"}


async def test_the_screen_says_what_it_cannot_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PgscopeApp(shop(), title="shop", config=Config())
    said: list[str] = []
    monkeypatch.setattr(app, "notify", lambda message, **_: said.append(message))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.findings, "findings")
        finding = app.snapshot.findings[0]
        with full():
            app.ignore(finding.fingerprint, "a note")
            await until(pilot, lambda: said, "what became of it")
        assert said[0].startswith("Not kept for the next time: cannot write ")
        assert finding.fingerprint in app.ignored, "it holds until the end"
        assert isinstance(app._ignoring.settings, FindingSettings)
        assert finding.fingerprint not in load().ignored
        app.ignore(finding.fingerprint, "a note")
        await until(pilot, lambda: finding.fingerprint in load().ignored, "that it is kept then")


def test_a_crash_is_told_without_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for room in (0, 100):
        with full(room), pytest.raises(OSError):
            crash.write(ValueError("x"), tmp_path / "state")
        assert list((tmp_path / "state").iterdir()) == [], "no half of a report stays"
    with full():
        try:
            raise ValueError("x")
        except ValueError as error:
            status = crash.tell(error)
    lines = capsys.readouterr().err.splitlines()
    assert status == crash.EXIT_STATUS
    assert len(lines) == 2
    assert re.search(r"ValueError at \S*test_full_disk\.py:", lines[0]), "a clone may lie in any folder"
    assert "no report could be written: File too large" in lines[1]


def test_a_recording_waits_for_room_and_goes_on(pg18_database: str, tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    command = [*HURRIED, "record", pg18_database, str(path), "--interval", "0.1"]
    recorder = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY)),
    )
    try:
        assert recorder.stderr is not None
        said: list[str] = []
        while not said or "cannot write" not in said[-1]:
            said.append(recorder.stderr.readline())
            assert said[-1], said
        assert "File too large" in said[-1]
        before = polls(path)
        assert path.stat().st_size <= 3_000
        resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        deadline = time.monotonic() + PATIENCE
        while polls(path) <= before + 3:
            assert time.monotonic() < deadline, "it never went on"
            time.sleep(0.2)
    finally:
        recorder.send_signal(signal.SIGTERM)
        _, rest = recorder.communicate(timeout=PATIENCE)
    assert recorder.returncode == 0
    assert "cannot write" not in rest, "said once"


def polls(path: Path) -> int:
    """How many polls the file has; it opens at any time."""
    recording = Recording.open(path)
    found = sum(isinstance(one, Poll) for one in recording.samples())
    assert not recording.damage
    recording.close()
    return found
