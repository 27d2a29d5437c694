"""Writes a recording in a thread of its own: a slow disk holds nobody up who gives samples."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable

from pgscope.capture.recording.file import RecordingFile
from pgscope.errors import PgscopeError
from pgscope.sample import Burst, Look, Mark, Poll, Sample
from pgscope.text import clean, one_line

_FLUSH_EVERY = 2.0
"""Seconds without a sample."""
_MOST = 500
"""Samples that may wait for the disk: half a minute or more."""
_SELDOM_MOST = 10 * _MOST
"""Samples that may wait if they say what holds until further notice: texts, names, the link."""

Open = Callable[[Callable[[str], None]], RecordingFile]
"""Opens the file; tells the callable what goes wrong with it later. Raises PgscopeError, OSError."""


class Scribe:
    """Takes samples and never blocks. `tell` and `ended` are called in its thread, `ended` once."""

    def __init__(
        self,
        open_file: Open,
        before: Callable[[], Iterable[Sample]],
        tell: Callable[[str], None],
        ended: Callable[[str], None],
        *,
        most: int = _MOST,
    ) -> None:
        """`before` gives the samples to begin with; it is called in the thread too."""
        self._open = open_file
        self._before = before
        self._tell = tell
        self._ended = ended
        self._most = most
        self._queue: queue.SimpleQueue[Sample | Mark | None] = queue.SimpleQueue()
        self._lost = 0
        self._file: RecordingFile | None = None
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """In a word, what keeps samples from being written now; '' if nothing does."""
        failing = self._file is not None and self._file.failing
        return "failing" if failing else "too slow" if self._lost else ""

    def write(self, sample: Sample) -> None:
        """Take a sample; those that come often are dropped while too many wait for the disk."""
        often = isinstance(sample, (Poll, Look, Burst))
        if self._queue.qsize() < (self._most if often else _SELDOM_MOST):
            self._queue.put(sample)
        else:
            self._lost += 1
            if self._lost == 1:
                self._tell("The disk is too slow for the recording: samples are left out until it catches up")

    def mark(self, mark: Mark) -> None:
        """Remember a moment worth jumping to."""
        if self._queue.qsize() < _SELDOM_MOST:
            self._queue.put(mark)

    def stop(self) -> None:
        """Write what waits and end; does not wait for that."""
        self._queue.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the end after `stop`, so long at most; whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # --- in the thread

    def _run(self) -> None:
        try:
            file = self._file = self._open(self._tell)
        except (PgscopeError, OSError) as error:
            self._ended(f"Not recording: {one_line(clean(str(error)))}")
            return
        try:
            for sample in self._before():
                file.write(sample)
            self._write_all(file)
        except Exception as error:  # a bug of ours must not print on the screen, and be said
            self._ended(f"Recording ended: {type(error).__name__} in pgscope")
            return
        finally:
            file.close()
        failed = ", but not all of it could be written" if file.failed else ""
        self._ended(f"Recorded {file.size:,} bytes to {file.path}{failed}")

    def _write_all(self, file: RecordingFile) -> None:
        while True:
            try:
                one = self._queue.get(timeout=_FLUSH_EVERY)
            except queue.Empty:
                file.flush()
                continue
            if one is None:
                return
            if isinstance(one, Mark):
                file.mark(one)
            else:
                file.write(one)
            if self._lost and self._queue.empty():
                lost, self._lost = self._lost, 0
                self._tell(f"The recording has caught up; {lost:,} samples are not in it")
