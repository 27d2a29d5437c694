"""The last minutes in memory, as a recording: there to be looked at, or saved, after something happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pgscope.capture.recording.file import Bounds, RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.run import Carried, Run
from pgscope.errors import PgscopeError
from pgscope.packed import Texts
from pgscope.sample import Mark, Poll, Sample, StatementTexts

_PIECES = 3
_TEXTS = 1000
"""Texts of statements long gone that are kept, beside as many as there are statements."""
_SEGMENT = 120.0
"""Seconds: a new segment with 5,000 statements takes as long to write as a minute of differences does."""


class Held(NamedTuple):
    """What a ring held at one moment."""

    content: bytes
    """As a file has it, but for the texts of statements."""
    texts: Texts


class Ring:
    """Takes samples; the oldest go when there are more seconds or bytes than it was made for."""

    def __init__(self, seconds: float = 900.0, most: int = 48 * 2**20) -> None:
        """It holds at least two thirds of `seconds`, unless that would be more than `most` bytes."""
        self._seconds = seconds / _PIECES
        self._most = most // _PIECES
        self._pieces: deque[bytearray] = deque(maxlen=_PIECES)
        self._texts = Texts()
        """Shared with the samples, and so with whoever else keeps them: 47 MB are usual on some servers."""
        self._run: Run | None = None
        self._began = 0.0

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(map(len, self._pieces))

    def write(self, sample: Sample) -> None:
        """Take a sample."""
        if isinstance(sample, StatementTexts):
            self._texts.take(sample.texts)
            return
        if isinstance(sample, Poll):
            self._forget(sample)
        old = sample.mono - self._began >= self._seconds
        if self._run is None or old or self._newest >= self._most:
            carried = Carried() if self._run is None else self._run.carried
            if self._run is not None:
                self._run.close()
            piece = bytearray()
            self._pieces.append(piece)
            self._run = Run(piece.extend, carried=carried, level=1, segment=_SEGMENT)
            self._began = sample.mono
        self._run.write(sample)

    def _forget(self, poll: Poll) -> None:
        if poll.statements is not None and len(self._texts) > 2 * len(poll.statements) + _TEXTS:
            there = {(row.dbid, row.queryid) for row in poll.statements}
            for name in [name for name in self._texts if name not in there]:
                del self._texts[name]

    @property
    def _newest(self) -> int:
        return len(self._pieces[-1])

    def mark(self, mark: Mark) -> None:
        """Remember a moment."""
        if self._run is not None:
            self._run.mark(mark)

    def held(self) -> Held | None:
        """What it holds now; None if nothing."""
        if self._run is None:
            return None
        self._run.flush()
        return Held(b"".join(self._pieces), self._texts.copy())

    def recording(self) -> Recording | None:
        """What it holds now; None if nothing."""
        held = self.held()
        return recording_of(held) if held is not None else None


def recording_of(held: Held) -> Recording:
    """A recording of what a ring held. Raises UsageError."""
    return Recording.of_bytes(held.content, "the last minutes", held.texts)


def newest(held: Held | None) -> Iterable[Sample]:
    """Of what a ring held the last poll, and before it what is needed to read on from there.

    All of it as of that poll: what begins with it begins then, however long ago the connection was made.
    """
    if held is None or not (recording := recording_of(held)).start:
        return
    samples = list(recording.samples(recording.end - 0.001))
    poll = next((one for one in reversed(samples) if isinstance(one, Poll)), None)
    for sample in samples:
        early = poll is not None and sample.mono < poll.mono
        yield replace(sample, at=poll.at, mono=poll.mono) if poll is not None and early else sample


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
