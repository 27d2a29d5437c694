"""Streams of samples as recordings, the program's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pgscope.capture.recording.file import Bounds, RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.sample import Sample


def recorded(
    path: Path, samples: Iterable[Sample], *, redact: bool = False, bounds: Bounds | None = None
) -> None:
    """Write a whole recording."""
    file = RecordingFile(path, redact=redact, bounds=bounds)
    for one in samples:
        file.write(one)
    file.close()


def read(path: Path) -> list[Sample]:
    """All of a recording."""
    recording = Recording.open(path)
    try:
        return list(recording.samples())
    finally:
        recording.close()
