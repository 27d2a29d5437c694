"""Reads a recording into a watch, for a report of it."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pgscope.cli.streams import write_stderr
from pgscope.dataclass import dataclass
from pgscope.errors import UsageError

if TYPE_CHECKING:
    from pgscope.analysis.findings import FindingSettings
    from pgscope.analysis.watch import Watch
    from pgscope.capture.recording.recording import Recording

_LONG = 600.0
"""Seconds from which on a stretch of a recording is read with less haste."""
_UNHURRIED = 5.0
"""Seconds between searches for pairs of statements then."""


@dataclass(frozen=True)
class Recorded:
    """What a recording came to, and what is to be said of it beside that."""

    watch: Watch
    notices: tuple[str, ...]


def watch_recorded(arguments: argparse.Namespace, settings: FindingSettings) -> Recorded:
    """Watch what `--from`, `--since` and `--until` name. Raises UsageError."""
    import gc

    from pgscope.analysis.watch import Watch
    from pgscope.capture.recording.recording import Recording
    from pgscope.report.times import extent

    if arguments.conninfo:
        raise UsageError("report takes a CONNINFO or --from FILE, not both")
    recording = Recording.open(Path(arguments.recording))
    try:
        since, until = (_moment(recording, name, getattr(arguments, name)) for name in ("since", "until"))
        if since is not None and until is not None and since >= until:
            raise UsageError("--since is not before --until")
        watch = Watch(settings)
        begin = recording.start if since is None else since
        span = (recording.end if until is None else until) - begin
        if span > _LONG:
            watch.every(_UNHURRIED)
        # What is read makes no cycles, and what is kept grows: no need to walk through it again and again.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        with _progress() as tell:
            for sample in recording.samples(since, until):
                watch.feed(sample)
                watch.wants()
                tell((sample.at - begin) / span if span > 0 else 1.0)
        watch.every(0.0)
        if watch.poll is None:
            runs = extent(recording.start, recording.end) if recording.start else "it has no sample yet"
            damage = f"; not all of it could be read: {recording.damage}" if recording.damage else ""
            raise UsageError(f"{arguments.recording}: no sample in that time; {runs}{damage}")
        notices = [f"recording {arguments.recording}: {_extent(recording)}"]
        if since is not None and since < recording.start - 60.0:
            later = f"it begins later than --since {arguments.since}: "
            notices.append(later + extent(recording.start, recording.end))
        if recording.redacted:
            notices.append("constants of statements were taken out when it was recorded")
        if recording.partly_redacted:
            notices.append("constants of statements were taken out of a part of it only")
        if recording.damage:
            notices.append(f"not all of it could be read: {recording.damage}")
        return Recorded(watch, tuple(notices))
    finally:
        recording.close()


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Takes the part that is read, and tells it on standard error if that is a terminal: a day takes long."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from pgscope.report.numbers import seconds

    began = told = time.monotonic()

    def tell(part: float) -> None:
        nonlocal told
        if (now := time.monotonic()) - told > 0.5:
            told = now
            share = min(max(part, 0.0), 1.0)
            left = (now - began) / share * (1.0 - share) if share > 0.01 else 0.0
            more = f", {seconds(left)} left" if left >= 2.0 else ""
            write_stderr(f"\rreading the recording: {share:.0%}{more} (^C ends it)\x1b[K", end="")

    try:
        yield tell
    finally:
        write_stderr("\r\x1b[K", end="")


def _moment(recording: Recording, name: str, text: str | None) -> float | None:
    from pgscope.report.times import moment

    if text is None:
        return None
    try:
        return moment(text, recording.start, recording.end)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}") from None


def _extent(recording: Recording) -> str:
    from pgscope.report.times import iso

    return f"{iso(recording.start)} to {iso(recording.end)}" if recording.start else "no sample yet"
