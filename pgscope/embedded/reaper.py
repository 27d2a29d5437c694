"""The process that starts an embedded server, and leaves nothing of it behind.

keeper.py runs this file as a script, in a session of its own, and holds the other end of the socket
that is its standard input. Every process of the embedded server is a child of this one, so there is
no moment at which the death of pgscope could orphan one. When the socket closes, however pgscope
ended, the clients are killed, the server is shut down, and the folder is removed.

It imports the standard library only, and starts with neither site packages nor pgscope: it has to be
quick, and to survive whatever is wrong with them. One JSON object a line each way; see ``_answer``.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PREFIX = "pgscope-"
LOCK = "lock"

# Signal and grace in seconds: fast shutdown, immediate shutdown, the end. A backend can hang when it is
# told to quit; the postmaster kills it after 5 s, if we leave it the time.
Steps = tuple[tuple[int, float], ...]
FAST: Steps = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 9.0), (signal.SIGKILL, 5.0))
IMMEDIATE: Steps = FAST[1:]

_SETUP_SECONDS = 30.0

_PR_SET_PDEATHSIG = 1

# What the kernel sends a child when this process is killed: immediate shutdown to the server.
_DEATH_SIGNALS = {"server": signal.SIGQUIT, "client": signal.SIGKILL}


class _Ended(Exception):
    """Asked to end by a signal."""


class Reaper:
    """The children, the folder and its lock."""

    def __init__(self, root: Path) -> None:
        self.children: dict[int, subprocess.Popen[bytes]] = {}
        self.server: int | None = None
        self.setup: subprocess.Popen[bytes] | None = None
        self.steps = FAST
        self.folder, self._lock = _claim(root)

    def spawn(self, request: dict[str, Any]) -> int:
        """Start a process; returns its pid. ``kind`` is "server", "setup" or "client"."""
        kind = request["kind"]
        as_account: dict[str, Any] = {}
        if request["account"] is not None:
            uid, gid = request["account"]
            as_account = {"user": uid, "group": gid, "extra_groups": []}
        with Path(request["log"]).open("ab") as log:
            child = subprocess.Popen(
                request["argv"],
                env=request["env"],
                cwd=request["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=kind != "client",
                preexec_fn=_prepare(kind),
                **as_account,
            )
        self.children[child.pid] = child
        if kind == "server":
            self.server = child.pid
        elif kind == "setup":
            self.setup = child
        return child.pid

    def poll(self, pid: int) -> int | None:
        """The exit status of a child, negative for a signal; None while it runs."""
        return self.children[pid].poll()

    def end(self, pid: int, steps: Steps) -> int | None:
        """End one child by ever harder signals; returns its exit status."""
        child = self.children[pid]
        for number, grace in steps:
            if child.poll() is not None:
                break
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(grace)
        return child.poll()

    def end_all(self) -> None:
        """End the clients, then the server, then remove the folder."""
        if self.setup is not None:
            # initdb ends by itself in a second; killed, it would leave shared memory behind.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.setup.wait(_SETUP_SECONDS)
        others = [
            child for pid, child in self.children.items() if pid != self.server and child.poll() is None
        ]
        for child in others:
            # The whole group: a client may have children of its own.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        for child in others:
            child.wait()
        segment = _segment(self.folder)
        if self.server is not None:
            status = self.end(self.server, self.steps)
            if status == -signal.SIGKILL:
                _remove_segment(segment)
        _remove(self.folder)
        os.close(self._lock)


def _prepare(kind: str) -> Callable[[], None]:
    """What a child does before it becomes its program."""
    number = _DEATH_SIGNALS.get(kind)
    # The signal is sent when the *thread* that forked ends; this process has only one.
    prctl = ctypes.CDLL(None).prctl if number and sys.platform == "linux" else None

    def prepare() -> None:
        if kind == "client":
            # A group to kill it by, but our session: Linux shares the processors out by session,
            # and many clients that start at once would leave the server little.
            os.setpgid(0, 0)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)

    return prepare


def _claim(root: Path) -> tuple[Path, int]:
    """Make a folder and hold its lock; a sweep that came in between makes us take another."""
    while True:
        folder = root / (PREFIX + secrets.token_hex(4))
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            continue
        return folder, lock


def sweep(root: Path) -> list[Path]:
    """Remove the folders of ours whose reaper is gone, and what still runs in them."""
    removed = []
    for folder in root.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end_stale(folder)
                _remove(folder)
                removed.append(folder)
            finally:
                os.close(lock)
    return removed


def _end_stale(folder: Path) -> None:
    pid = _postmaster(folder)
    if pid is None or not _runs_in(pid, folder):
        return
    segment = _segment(folder)
    for number, grace in IMMEDIATE:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline:
            if not _runs_in(pid, folder):
                break
            time.sleep(0.01)
        else:
            continue
        break
    if number == signal.SIGKILL:
        _remove_segment(segment)


def _runs_in(pid: int, folder: Path) -> bool:
    said = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(folder) in said.stdout


def _pid_file(folder: Path) -> list[str]:
    try:
        return (folder / "data" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _postmaster(folder: Path) -> int | None:
    lines = _pid_file(folder)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _segment(folder: Path) -> int | None:
    """The id of the small System V segment that guards a data folder (line 7, second number)."""
    lines = _pid_file(folder)
    words = lines[6].split() if len(lines) > 6 else []
    return int(words[1]) if len(words) == 2 else None


def _remove_segment(segment: int | None) -> None:
    # A postmaster that was killed outright leaves it to the next start, which never comes here.
    if segment is not None and sys.platform == "linux":
        ctypes.CDLL(None).shmctl(segment, 0, None)


def _remove(folder: Path) -> None:
    # A backend that is still ending may write once more while we delete.
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def _answer(reaper: Reaper, request: dict[str, Any]) -> dict[str, Any]:
    operation = request["op"]
    if operation == "spawn":
        return {"pid": reaper.spawn(request)}
    if operation == "poll":
        return {"status": reaper.poll(request["pid"])}
    if operation == "end":
        steps = tuple((int(number), float(grace)) for number, grace in request["steps"])
        return {"status": reaper.end(request["pid"], steps)}
    if operation == "immediate":
        reaper.steps = IMMEDIATE
        return {}
    raise ValueError(f"unknown operation {operation!r}")


def serve(channel: socket.socket, reaper: Reaper) -> None:
    """Answer requests until the other end closes."""
    pending = b""
    while True:
        readable, _, _ = select.select([channel], [], [], 1.0)
        for child in reaper.children.values():
            child.poll()  # leaves no zombie of a client that ended by itself
        if not readable:
            continue
        received = channel.recv(65536)
        if not received:
            return
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            try:
                answer = _answer(reaper, json.loads(line))
            except (OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            channel.sendall(json.dumps(answer).encode() + b"\n")


def _end_on_signal(_number: int, _frame: object) -> None:
    raise _Ended


def _stay(_number: int, _frame: object) -> None:
    """The handler of signals that do not end us: the socket does."""


def main(root: Path) -> None:
    """Sweep, claim a folder, say its name, serve, and clean up."""
    # Handlers, not SIG_IGN: what is ignored stays ignored in the programs that we start.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, _stay)
    signal.signal(signal.SIGTERM, _end_on_signal)
    channel = socket.socket(fileno=0)
    sweep(root)
    reaper = Reaper(root)
    try:
        # A socket error means that the other end is gone, which is what we wait for.
        with contextlib.suppress(OSError, _Ended):
            channel.sendall(json.dumps({"folder": str(reaper.folder)}).encode() + b"\n")
            serve(channel, reaper)
    finally:
        signal.signal(signal.SIGTERM, _stay)
        reaper.end_all()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
