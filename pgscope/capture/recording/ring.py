"""The last minutes in memory, as a recording: there to be looked at, or saved, after something happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

from pgscope.capture.recording.file import Bounds, RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.run import Carried, Run
from pgscope.errors import PgscopeError
from pgscope.sample import Mark, Sample

_PIECES = 3


class Ring:
    """Takes samples; the oldest go when there are more seconds or bytes than it was made for."""

    def __init__(self, seconds: float = 900.0, most: int = 48 * 2**20) -> None:
        """It holds at least two thirds of `seconds`, unless that would be more than `most` bytes."""
        self._seconds = seconds / _PIECES
        self._most = most // _PIECES
        self._pieces: deque[bytearray] = deque(maxlen=_PIECES)
        self._run: Run | None = None
        self._began = 0.0
        self._carried = 0
        """Bytes that the newest piece began with."""

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(map(len, self._pieces))

    def write(self, sample: Sample) -> None:
        """Take a sample."""
        old = sample.mono - self._began >= self._seconds
        # What a piece begins with (texts, above all) may be large: to begin another would not make it less.
        if self._run is None or old or self._newest >= max(self._most, self._carried + self._most // 2):
            carried = Carried() if self._run is None else self._run.carried
            if self._run is not None:
                self._run.close()
            piece = bytearray()
            self._pieces.append(piece)
            self._run, self._began = Run(piece.extend, carried=carried, level=1), sample.mono
            self._run.write(sample)
            self._carried = len(piece)
        else:
            self._run.write(sample)

    @property
    def _newest(self) -> int:
        return len(self._pieces[-1])

    def mark(self, mark: Mark) -> None:
        """Remember a moment."""
        if self._run is not None:
            self._run.mark(mark)

    def content(self) -> bytes:
        """What it holds now, as the bytes of a file; none if nothing."""
        if self._run is None:
            return b""
        self._run.flush()
        return b"".join(self._pieces)

    def recording(self) -> Recording | None:
        """What it holds now; None if nothing."""
        content = self.content()
        return recording_of(content) if content else None


def recording_of(content: bytes) -> Recording:
    """A recording of what a ring held. Raises UsageError."""
    return Recording.of_bytes(content, "the last minutes")


def newest(content: bytes) -> Iterable[Sample]:
    """Of what a ring held the last poll, and before it what is needed to read on from there."""
    if content and (recording := recording_of(content)).start:
        yield from recording.samples(recording.end - 0.001)


def save(recording: Recording, path: Path, *, redact: bool = False) -> int:
    """Write a recording to a file, without what must not be in one; returns the bytes.

    Raises UsageError, or PgscopeError if not all could be written; no part of it stays then.
    """
    troubles: list[str] = []
    file = RecordingFile(path, redact=redact, bounds=Bounds(size=0, age=0), trouble=troubles.append)
    try:
        marks: Iterable[Mark] = recording.marks
        for sample in recording.samples():
            file.write(sample)
        for mark in marks:
            file.mark(mark)
    finally:
        file.close()
    if troubles:
        path.unlink(missing_ok=True)
        raise PgscopeError(troubles[0].partition(";")[0])
    return file.size
