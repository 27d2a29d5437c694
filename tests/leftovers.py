"""Run a program that owns a server, end it the hard way, and look for what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

# Where dynamic shared memory of the POSIX kind shows.
_SHARED = Path("/dev/shm")

# Generous: a busy machine is not a broken program.
PATIENCE_SECONDS = 60.0


def wait_until(true: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for something to be true, and return it; fail with its name."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.02)


@contextmanager
def short_root() -> Iterator[Path]:
    """An empty folder with a short name, for sockets, that any account may pass through."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@dataclass
class Owner:
    """A Python program that starts a server below ``root``, and what has been seen of it."""

    process: subprocess.Popen[bytes]
    root: Path
    seen: dict[int, psutil.Process] = field(default_factory=dict)
    uids: set[int] = field(default_factory=set)
    segments: set[int] = field(default_factory=set)
    shared: set[Path] = field(default_factory=lambda: set(_SHARED.glob("PostgreSQL.*")))

    def look(self) -> None:
        """Remember every process that runs below the root, and every shared memory segment."""
        for process in psutil.process_iter(["cmdline", "cwd", "uids"]):
            words = " ".join(process.info["cmdline"] or ())
            if str(self.root) in words or str(process.info["cwd"] or "").startswith(f"{self.root}/"):
                self.seen[process.pid] = process
                if process.info["uids"] is not None:
                    self.uids.add(process.info["uids"].effective)
        for pid_file in self.root.glob("pgscope-*/data/postmaster.pid"):
            with suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
                if len(lines) > 6 and len(lines[6].split()) == 2:
                    self.segments.add(int(lines[6].split()[1]))
        self.seen.pop(self.process.pid, None)
        self.seen.pop(os.getpid(), None)

    def report(self) -> dict[str, Any]:
        """The line of JSON that the program prints when it is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the program ended with {self.process.wait()}"
        self.look()
        found: dict[str, Any] = json.loads(line)
        return found

    def all_ended(self) -> bool:
        """Whether no process that was seen still runs."""
        return not any(_runs(process) for process in self.seen.values())

    def assert_nothing_left(self) -> None:
        """No process, no file, no segment of all that was seen."""
        assert self.seen, "no process was seen, so this proves nothing"
        wait_until(self.all_ended, f"the processes end: {self.seen}")
        wait_until(lambda: not list(self.root.iterdir()), f"{self.root} is empty")
        assert not self.segments & _segments()
        # Other servers of this machine may come and go meanwhile.
        wait_until(
            lambda: all(map(_mapped, set(_SHARED.glob("PostgreSQL.*")) - self.shared)),
            f"no shared memory is left in {_SHARED}",
        )


def _mapped(path: Path) -> bool:
    """Whether a shared memory file is in use, by some other server of this machine."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(each.path == str(path) for each in process.memory_maps()):
                return True
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _segments() -> set[int]:
    table = Path("/proc/sysvipc/shm")
    if not table.exists():
        return set()
    return {int(line.split()[1]) for line in table.read_text().splitlines()[1:]}


@contextmanager
def owner(script: str, *command: str, **environment: str) -> Iterator[Owner]:
    """Run a script with ROOT in its environment, optionally under another command."""
    with short_root() as root:
        if command:
            root.chmod(0o777)
        process = subprocess.Popen(
            [*command, sys.executable, "-c", script],
            env={**os.environ, **environment, "ROOT": str(root), "TMPDIR": str(root)},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield Owner(process, root)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
            wait_until(lambda: not list(root.iterdir()), f"{root} is empty")
