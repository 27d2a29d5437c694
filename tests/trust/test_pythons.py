"""pgscope starts on each Python from 3.10 to 3.14 that is here; none is fetched (`.ci/pythons` does more)."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.tui.record_shop import FILE

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
NO_NETWORK = ("error sending request", "dns error", "Connection refused", "offline", "network is unreachable")


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def python_of(version: str, uv: str) -> str:
    """The Python of this version on this machine. Skips the test if there is none."""
    found = ran(uv, "python", "find", "--no-python-downloads", "--system", version)
    if found.returncode == 0:
        return found.stdout.strip()
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    here = sorted(home.glob(f".pyenv/versions/{version}.*/bin/python"))
    if not here:
        pytest.skip(f"Python {version} is not on this machine")
    return str(here[-1])


@pytest.mark.parametrize("version", VERSIONS)
def test_it_starts(version: str, tmp_path: Path) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("all tests run on this one")
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    python = python_of(version, uv)
    made = ran(uv, "venv", "--quiet", "--python", python, tmp_path / "venv")
    assert made.returncode == 0, made.stderr
    inside = tmp_path / "venv" / "bin"
    # With what it needs to run, and nothing of what it is tested with.
    installed = ran(uv, "pip", "install", "--quiet", "--python", inside / "python", "-e", ROOT)
    if installed.returncode and any(words in installed.stderr for words in NO_NETWORK):
        pytest.skip(f"no packages for Python {version} can be had: {installed.stderr[-200:]}")
    assert installed.returncode == 0, installed.stderr
    said = ran(inside / "python", "--version").stdout
    assert said.startswith(f"Python {version}."), said
    assert ran(inside / "pgscope", "--version").stdout.startswith("pgscope ")
    told = ran(inside / "pgscope", "report", "--from", FILE, "--format", "json")
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
