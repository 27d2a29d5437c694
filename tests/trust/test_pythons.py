"""pgscope starts on each Python from 3.10 to 3.14 here, and passes the quick tests; none is fetched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pexpect
import pytest

from tests.tui.record_shop import FILE

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
NO_NETWORK = ("error sending request", "dns error", "Connection refused", "offline", "network is unreachable")
QUICK = (
    "tests/test_text.py",
    "tests/test_tags.py",
    "tests/test_shape.py",
    "tests/test_filter.py",
    "tests/test_fingerprints.py",
    "tests/test_conninfo.py",
    "tests/test_pace.py",
    "tests/test_poll.py",
    "tests/locks/test_waits.py",
    "tests/tui/table/test_text.py",
    "tests/tui/test_screen_recorded.py::test_pause_freezes_the_view_and_says_so",
    "tests/trust/test_shutdown.py::test_a_fast_shutdown_is_not_delayed",
)
"""Some of each kind: texts, models, what the parser gives, a recorded screen, a real server."""


def python_of(version: str, uv: str, environment: Mapping[str, str]) -> str:
    """The Python of this version on this machine. Skips the test if there is none."""
    found = ran(environment, uv, "python", "find", "--no-python-downloads", "--system", version)
    if found.returncode == 0:
        return found.stdout.strip()
    # pyenv puts on the PATH only what is chosen there.
    root = Path(environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/"), ".pyenv"))
    here = sorted(root.glob(f"versions/{version}.*/bin/python"))
    if not here:
        pytest.skip(f"Python {version} is not on this machine")
    return str(here[-1])


def ran(environment: Mapping[str, str], *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
    )


@pytest.fixture
def outside(developers_environment: Mapping[str, str]) -> dict[str, str]:
    """What uv works in: the developer's own caches, and nothing of this run of pytest or its environment."""
    return {
        name: value
        for name, value in developers_environment.items()
        if name != "VIRTUAL_ENV" and not name.startswith(("PYTEST_", "UV_PROJECT"))
    }


@pytest.mark.timeout(400)
@pytest.mark.parametrize("version", VERSIONS)
def test_it_starts_and_passes_the_quick_tests(version: str, tmp_path: Path, outside: dict[str, str]) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("all tests run on this one")
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    python = python_of(version, uv, outside)
    made = ran(outside, uv, "venv", "--quiet", "--python", python, tmp_path / "venv")
    assert made.returncode == 0, made.stderr
    inside = tmp_path / "venv" / "bin"

    def install(*what: str) -> None:
        command = ("pip", "install", "--quiet", "--python", str(inside / "python"), *what)
        installed = ran(outside, uv, *command)
        if installed.returncode and any(words in installed.stderr for words in NO_NETWORK):
            pytest.skip(f"no packages for Python {version} can be had: {installed.stderr[-200:]}")
        assert installed.returncode == 0, installed.stderr

    # First with what it needs to run, and nothing of what it is tested with.
    install("-e", str(ROOT))
    starts(version, inside)
    install("-e", f"{ROOT}[demo]", "--group", "test")
    quick = ran(outside, inside / "python", "-m", "pytest", "-q", "-o", "addopts=", "--majors", "18", *QUICK)
    assert quick.returncode == 0, quick.stdout[-3000:] + quick.stderr[-1000:]
    passed = re.search(r"(\d+) passed", quick.stdout)
    assert passed and int(passed[1]) > 100, quick.stdout[-500:]


def starts(version: str, inside: Path) -> None:
    """It tells its version, reports, and shows its screen on a terminal."""
    said = ran(os.environ, inside / "python", "--version").stdout
    assert said.startswith(f"Python {version}."), said
    assert ran(os.environ, inside / "pgscope", "--version").stdout.startswith("pgscope ")
    told = ran(os.environ, inside / "pgscope", "report", "--from", FILE, "--format", "json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["findings"]
    screen = pexpect.spawn(
        str(inside / "pgscope"),
        ["replay", str(FILE), "--paused", "--at=-1s"],
        dimensions=(24, 80),
        env={**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
        timeout=90,
    )
    screen.expect("1 Applications")
    screen.expect("storefront")
    screen.send("q")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0
