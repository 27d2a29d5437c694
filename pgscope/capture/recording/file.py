"""The file that a recording is written to: one writer, private, rotated, mended after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pgscope.capture.recording import frame
from pgscope.capture.recording.part import Damaged, Part
from pgscope.capture.recording.redact import Redactor
from pgscope.capture.recording.rotation import MODE, check_older, exchange, numbered, resolved, sweep
from pgscope.capture.recording.run import Carried, Entries, Run
from pgscope.capture.recording.scan import layout, whole_frame
from pgscope.dataclass import dataclass
from pgscope.errors import PgscopeError, UsageError
from pgscope.sample import Mark, Sample

_TRY_AGAIN = 10.0
"""Seconds after a write that failed."""
_ROTATE_AGAIN = 300.0
"""Seconds after a new file could not be begun."""


@dataclass(frozen=True)
class Bounds:
    """When a new file is begun, and how many older ones stay. Bytes and seconds; 0 for no bound."""

    size: int = 256 * 2**20
    age: float = 86400.0
    keep: int = 7
    keep_age: float = 0.0
    """Older files whose last sample is older than this are deleted."""


class InUse(PgscopeError):
    """Another program records to the file."""


class RecordingFile:
    """Takes samples. What goes wrong while writing is told to `trouble` and tried again, never raised."""

    def __init__(
        self,
        path: Path,
        *,
        redact: bool = False,
        bounds: Bounds | None = None,
        trouble: Callable[[str], None] | None = None,
    ) -> None:
        """Opens the file, or goes on with it; of a link, what it leads to. Raises UsageError, InUse."""
        self.path = path = resolved(path)
        self._bounds = bounds or Bounds()
        self._redactor = Redactor(constants=redact)
        self._redact = redact
        self._trouble = trouble or (lambda _: None)
        self._told = ""
        self._failing = self._failed = False
        self._again = 0.0
        self._rotates_again = float("-inf")
        self._put_off_for = ""
        """Why no new file could be begun the last time."""
        self._series = uuid.uuid4().hex
        self._size, self._began = 0, time.time()
        self._run: Run | None = None
        self._carried = Carried()
        check_older(path, self._bounds.keep)
        self._fd = _locked(path)
        try:
            sweep(path)
            self._run = self._first_run()
        except BaseException:
            os.close(self._fd)
            raise

    @property
    def size(self) -> int:
        """Bytes written to the file so far."""
        return self._size

    @property
    def failing(self) -> bool:
        """Whether the last write failed."""
        return self._failing

    @property
    def failed(self) -> bool:
        """Whether anything could not be written since it was opened."""
        return self._failed

    def write(self, sample: Sample) -> None:
        """Take a sample."""
        kept = self._redactor.sample(sample)
        if self._run is None and not self._begin_again():
            return
        if self._due():
            self._rotate()
        self._try(lambda run: run.write(kept))

    def mark(self, mark: Mark) -> None:
        """Remember a moment worth jumping to."""
        self._try(lambda run: run.mark(mark))

    def flush(self) -> None:
        """Write what is held back."""
        self._try(lambda run: run.flush())

    def close(self) -> None:
        """Write what is held back, and let go of the file; more than once is once."""
        if self._fd < 0:
            return
        self._try(lambda run: run.close())
        self._run = None
        with contextlib.suppress(OSError):
            os.fsync(self._fd)
        os.close(self._fd)
        self._fd = -1

    # --- writing

    def _append(self, content: bytes) -> None:
        """All or nothing. Raises OSError."""
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(content)
        self._failing = False

    def _try(self, write: Callable[[Run], None]) -> bool:
        if self._run is None:
            return False
        try:
            write(self._run)
        except OSError as error:
            self._fail(
                f"cannot write {self.path}: {error.strerror}; what is seen until that is mended is lost"
            )
            return False
        self._told = ""
        return True

    def _fail(self, reason: str) -> None:
        if self._run is not None:
            self._carried = self._run.carried
        self._run = None
        self._failing = self._failed = True
        self._again = time.monotonic() + _TRY_AGAIN
        if reason != self._told:
            self._told = reason
            self._trouble(reason)

    def _begin_again(self) -> bool:
        """After a failure, a new run in the same file: what was being written is not whole."""
        if time.monotonic() < self._again:
            return False
        try:
            with os.fdopen(os.dup(self._fd), "rb") as file:
                found = layout(file, self._size)
        except OSError as error:
            self._fail(f"cannot read {self.path}: {error.strerror}")
            return False
        self._run = self._new_run(self._carried, found.newest, found.last_index)
        return True

    def _new_run(self, carried: Carried, before: Entries, last_index: int) -> Run:
        head: dict[str, Any] = {"series": self._series, "redacted": self._redact}
        return Run(
            self._append,
            offset=self._size,
            head=head,
            carried=carried,
            before=before,
            last_index=last_index,
        )

    # --- the file

    def _first_run(self) -> Run:
        """Go on with what is in the file, without what a kill left at its end."""
        if size := os.fstat(self._fd).st_size:
            with os.fdopen(os.dup(self._fd), "rb") as file:
                found = layout(file, size)
                if not found.size:
                    raise UsageError(f"{self.path} is not a recording of pgscope; it is left as it is")
                self._take_over(Part(file, str(self.path)))
                whole = found.size
                if found.last is not None and frame.payload_of(file, found.last) is None:
                    whole = found.last.offset
                if whole_frame(file, whole + 1, size) is None:
                    os.ftruncate(self._fd, whole)
                    self._size = whole
                    found = layout(file, whole)
                    return self._new_run(Carried(), found.newest, found.last_index)
            self._leave(found.damage)
        return self._new_run(Carried(), Entries(), 0)

    def _take_over(self, part: Part) -> None:
        """What the file's head says of all that follows it."""
        try:
            head = part.head(part.entries.heads[0])
        except Damaged:
            return
        self._series = str(head.get("series") or self._series)
        self._began = float(head.get("at", self._began))
        if part.redacted[-1] != self._redact:
            self._trouble(
                f"{self.path} has constants of statements so far, and they stay: only what is recorded from"
                " now on has none"
                if self._redact
                else f"{self.path} was recorded with --redact so far: from now on constants of statements are"
                " in it"
            )

    def _leave(self, damage: str) -> None:
        """Begin a new file: to go on in one with damage in its middle would lose what lies after that."""
        try:
            fd = self._exchanged()
        except (OSError, UsageError) as error:
            said = f"{self.path} is {damage}, and cannot be set aside: {_reason(error)}"
            raise UsageError(f"{said}; give another file") from None
        os.close(self._fd)
        self._fd, self._began = fd, time.time()
        self._trouble(
            f"{self.path} is {damage}, with more after that: it is {numbered(self.path, 1).name} from now on,"
            " as it was, and a new file is begun"
        )

    def _due(self) -> bool:
        """Whether a bound is reached."""
        if self._run is None or not self._size:
            return False
        old = self._bounds.age and time.time() - self._began >= self._bounds.age
        return bool(old or (self._bounds.size and self._size >= self._bounds.size))

    def _rotate(self) -> None:
        """Give the file the number 1 and begin a new one; where that cannot be, go on in the old one."""
        if self._run is None or time.monotonic() < self._rotates_again:
            return
        try:
            fd = self._exchanged()
        except (OSError, UsageError) as error:
            self._put_off(f"cannot begin a new file after {self.path}: {_reason(error)}; it goes on in that")
            return
        self._put_off_for = ""
        carried = self._run.carried
        self._try(lambda run: run.close())
        os.close(self._fd)
        self._fd, self._size, self._began = fd, 0, time.time()
        if self._run is not None:
            self._run = self._new_run(carried, Entries(), 0)

    def _exchanged(self) -> int:
        return exchange(self.path, self._fd, self._bounds.keep, self._bounds.keep_age)

    def _put_off(self, reason: str) -> None:
        self._rotates_again = time.monotonic() + _ROTATE_AGAIN
        if reason != self._put_off_for:
            self._put_off_for = reason
            self._trouble(reason)


def _reason(error: OSError | UsageError) -> str:
    return str((isinstance(error, OSError) and error.strerror) or error)


def _locked(path: Path) -> int:
    """Open the file for us alone. Raises UsageError, InUse."""
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}; give another file") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise InUse(f"{path} is being recorded to by another pgscope; give another file") from None
        try:
            # It may have been rotated between the two.
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        except FileNotFoundError:
            pass
        os.close(fd)
