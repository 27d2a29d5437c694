"""The installed program on a real pseudo-terminal, and what that terminal shows."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import pexpect
import pyte

PROGRAM = Path(sys.executable).with_name("pgscope")
PATIENCE = 60.0


class Terminal:
    """A program (pgscope itself, by default) on a pty of that size."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        program: Path | str = PROGRAM,
    ) -> None:
        assert PROGRAM.exists(), "pgscope is not installed beside the interpreter"
        usual = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
        self.child = pexpect.spawn(
            str(program),
            list(arguments),
            dimensions=(rows, columns),
            env={**os.environ, **usual, **(environment or {})},
            timeout=1,
        )
        self.bytes = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._fed = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *failure: object) -> None:
        # A test may have closed its end of the line.
        with contextlib.suppress(OSError):
            self.child.close(force=True)

    @property
    def screen(self) -> pyte.Screen:
        """The terminal as it stands; only who looks at it has it worked out."""
        new, self._fed = self.bytes[self._fed :], len(self.bytes)
        # pyte does not know the private sequences that ask a terminal what it can do.
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]* q", b"", new))
        return self._screen

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.screen.display)

    def read(self) -> bool:
        """Take in what the program wrote in the next moment; whether it is still there."""
        try:
            got = cast(bytes, self.child.read_nonblocking(65536, timeout=0.2))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.bytes += got
        return True

    def until(self, condition: str | Callable[[], object], what: str = "") -> None:
        """Wait until the words are on the screen, or the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not (condition in self.text if isinstance(condition, str) else condition()):
            assert time.monotonic() < deadline, f"never: {what or condition!r}\n{self.text}"
            assert self.read(), f"it ended:\n{self.text}"

    def press(self, keys: str, then: str = "") -> None:
        """Send keys at once; wait until the words are on the screen."""
        self.child.send(keys)
        if then:
            self.until(then)

    def ended(self) -> int | None:
        """Wait for the end; the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        self.child.close()
        return int(self.child.exitstatus) if self.child.exitstatus is not None else None
