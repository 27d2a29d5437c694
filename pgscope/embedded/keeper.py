"""Our end of the reaper: start processes that cannot outlive us."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pgscope.embedded import reaper
from pgscope.embedded.account import Account
from pgscope.embedded.errors import EmbeddedError

Mode = Literal["fast", "immediate"]
Kind = Literal["server", "setup", "client"]

_STEPS = {"fast": reaper.FAST, "immediate": reaper.IMMEDIATE}
_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()


class Keeper:
    """A reaper process and the folder that it will remove.

    Everything started through ``spawn`` ends when ``close`` is called or when this process ends,
    in whatever way. Safe to use from several threads.
    """

    def __init__(self, root: Path) -> None:
        """Start the reaper; it makes its folder below ``root``.

        Raises EmbeddedError if that fails.
        """
        ours, theirs = socket.socketpair()
        self._channel = ours
        self._lock = threading.Lock()
        self._lines = ours.makefile("rb")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", reaper.__file__, str(root)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        _keepers.add(self)
        try:
            self.folder = Path(self._receive()["folder"])
        except EmbeddedError:
            self.close()
            raise EmbeddedError(
                f"no folder can be made in {root}: let TMPDIR name one that is ours"
            ) from None

    @property
    def pid(self) -> int:
        """The reaper's own process id."""
        return self._process.pid

    def spawn(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path,
        account: Account | None = None,
        kind: Kind = "client",
    ) -> int:
        """Start a program in a process group of its own, its output appended to ``log``; returns its pid.

        In the end a client is killed, the server shut down, and what sets up is waited for.

        Raises EmbeddedError if it cannot be started.
        """
        answer = self._ask(
            op="spawn",
            argv=[str(word) for word in argv],
            env=dict(env),
            cwd=str(self.folder),
            log=str(log),
            account=None if account is None else (account.uid, account.gid),
            kind=kind,
        )
        pid: int = answer["pid"]
        return pid

    def poll(self, pid: int) -> int | None:
        """The exit status of a spawned process (negative: a signal), or None while it runs."""
        status: int | None = self._ask(op="poll", pid=pid)["status"]
        return status

    def end(self, pid: int, mode: Mode = "fast") -> None:
        """End one spawned process by ever harder signals, and wait for it."""
        self._ask(op="end", pid=pid, steps=_STEPS[mode])

    def close(self, mode: Mode = "fast") -> None:
        """End everything and remove the folder; waits until it is done. May be called again."""
        if self._channel.fileno() != -1:
            if mode == "immediate":
                with contextlib.suppress(EmbeddedError):
                    self._ask(op="immediate")
            self._hang_up()
        self._process.wait(30)

    def _hang_up(self) -> None:
        self._lines.close()
        self._channel.close()

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            try:
                self._channel.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise EmbeddedError("the embedded server's reaper is gone") from error
            return self._receive()

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except (OSError, ValueError) as error:
            raise EmbeddedError("the embedded server's reaper is gone") from error
        if not line:
            raise EmbeddedError("the embedded server's reaper is gone")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EmbeddedError(answer["error"])
        return answer


def _forget_in_child() -> None:
    # A forked worker would hold the socket open, and so keep the server alive after our death.
    for keeper in list(_keepers):
        keeper._hang_up()


os.register_at_fork(after_in_child=_forget_in_child)
