"""A day's recording: how long seeking, jumping and reporting take in it.

uv run python -m tests.bench.recording.day [--hours H] [--file FILE]

Records the demo for a minute (with looks at 10 Hz), repeats that with shifted times and counters that go on,
through the real writer, and times on the result: opening, seeking to 20 random times until the first picture,
the jumps to the next finding and lock wait, and `report --from` of an hour and of all of it, with its peak
memory. A FILE that is there already is taken as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pgscope.analysis.findings import FindingSettings
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.demo import start_demo
from pgscope.playback import Player
from pgscope.sample import (
    Burst,
    Connected,
    DatabaseCounters,
    Disconnected,
    Lock,
    Look,
    Mark,
    Odometer,
    Poll,
    Sample,
    Session,
    Sighting,
    StatementCounters,
    StatementTexts,
)

NEW_TEXTS = 50
"""Statements a minute that were never seen before: texts are what a day's recording gathers."""

TIMES: dict[type, tuple[str, ...]] = {
    Session: ("xact_start", "query_start", "state_change"),
    Sighting: ("xact_start", "query_start", "state_change"),
    Lock: ("waitstart",),
}
"""Columns that are moved with the samples."""
GROWING: dict[type, tuple[str, ...]] = {
    StatementCounters: (
        *("calls", "rows", "total_exec_time", "total_plan_time", "blk_read_time", "wal_bytes"),
        *("shared_blks_hit", "shared_blks_read", "shared_blks_dirtied", "shared_blks_written"),
    ),
    DatabaseCounters: ("xact_commit", "xact_rollback", "blks_read", "blks_hit"),
    Odometer: ("transactions", "buffers"),
}
"""Columns that go on counting."""


def key_of(row: Any) -> Any:
    """What names a counting row."""
    if isinstance(row, StatementCounters):
        return row.key
    return (row.datid,) if isinstance(row, DatabaseCounters) else (row.pid, row.backend_start)


class Repeated:
    """A stream over and over, as one that goes on."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        polls = [one for one in samples if isinstance(one, Poll)]
        self.samples = samples
        self.seconds = polls[-1].mono - polls[0].mono + 1.0
        self._growth: dict[Any, dict[str, float]] = {}
        first: dict[Any, Any] = {}
        for row in self._counting():
            key = (type(row), key_of(row))
            old = first.setdefault(key, row)
            self._growth[key] = {
                name: (getattr(row, name) or 0) - (getattr(old, name) or 0) for name in GROWING[type(row)]
            }

    def _counting(self) -> Iterator[Any]:
        for one in self.samples:
            if isinstance(one, Poll):
                yield from one.statements or ()
                yield from one.databases
            elif isinstance(one, Look):
                yield from one.odometers

    def turn(self, number: int) -> Iterator[Sample]:
        """The stream for the so manieth time."""
        seconds = number * self.seconds
        made: dict[int, Any] = {}

        def moved(row: Any) -> Any:
            if id(row) not in made:
                made[id(row)] = self._moved(row, number, seconds)
            return made[id(row)]

        for one in self.samples:
            if number and isinstance(one, Connected | Disconnected):
                continue
            changes: dict[str, Any] = {"at": one.at + seconds, "mono": one.mono + seconds}
            if isinstance(one, Poll):
                for name in ("sessions", "databases", "statements", "locks"):
                    if (rows := getattr(one, name)) is not None:
                        changes[name] = tuple(map(moved, rows))
            elif isinstance(one, Look):
                changes["sightings"] = tuple(map(moved, one.sightings))
                changes["odometers"] = tuple(map(moved, one.odometers))
            elif isinstance(one, Burst):
                changes["rows"] = tuple(row._replace(mono=row.mono + seconds) for row in one.rows)
            yield replace(one, **changes)

    def _moved(self, row: Any, number: int, seconds: float) -> Any:
        changes: dict[str, Any] = {
            name: value + seconds
            for name in TIMES.get(type(row), ())
            if (value := getattr(row, name)) is not None
        }
        if type(row) in GROWING:
            growth = self._growth[type(row), key_of(row)]
            changes |= {
                name: getattr(row, name) + number * growth[name]
                for name in GROWING[type(row)]
                if getattr(row, name) is not None
            }
            if isinstance(row, Odometer):
                changes["mono"] = row.mono + seconds
        return row._replace(**changes) if changes else row


def write_day(path: Path, samples: Sequence[Sample], marks: Sequence[Mark], hours: float) -> None:
    """Write so many hours of a stream; its marks come back every ten minutes."""
    repeated = Repeated(samples)
    file = RecordingFile(path)
    for number in range(round(hours * 3600 / repeated.seconds)):
        for one in repeated.turn(number):
            file.write(one)
        texts = {(1, 1000 * number + n): _text(1000 * number + n) for n in range(NEW_TEXTS)}
        file.write(StatementTexts(one.at, one.mono, texts))
        if number % 10 == 5:
            for mark in marks:
                file.mark(mark._replace(at=mark.at + number * repeated.seconds))
    file.close()


def _text(number: int) -> str:
    columns = ", ".join(f"c{(number * place) % 9973}" for place in range(1, 40))
    return f"SELECT {columns} FROM t{number} WHERE id = $1"


def record_demo(path: Path, seconds: float) -> None:
    """Record the demo with the program itself."""
    with start_demo(print) as demo:
        time.sleep(5)
        command = [sys.executable, "-m", "pgscope", "record", demo.conninfo, str(path)]
        subprocess.run([*command, "--duration", str(seconds)], check=True, stdin=subprocess.DEVNULL)


class Timed:
    """A player, and how long it takes until there is a picture."""

    def __init__(self, recording: Recording) -> None:
        self._changed = asyncio.Event()
        self.player = Player(recording, "day", FindingSettings, self._changed.set, playing=False)

    async def first_picture(self, act: Callable[[], object]) -> tuple[float, float]:
        """Seconds until a picture of where it went, and until the whole one."""
        began = time.perf_counter()
        before = self.player.snapshot
        act()
        first = 0.0
        while self.player._wanted is not None or self.player._search:
            self._changed.clear()
            await self._changed.wait()
            if not first and self.player.snapshot is not before:
                first = time.perf_counter() - began
            await asyncio.sleep(0)
        return first, time.perf_counter() - began


async def seek(recording: Recording) -> None:
    """Time seeks and jumps."""
    timed = Timed(recording)
    player = timed.player
    running = asyncio.create_task(player.run())
    await timed.first_picture(lambda: None)
    chance = random.Random(1)
    places = [chance.uniform(recording.start, recording.end) for _ in range(20)]
    for title, acts in (
        ("seek", [lambda at=at: player.seek(at) for at in places]),
        ("next finding", [lambda: player.to_mark("finding", 1)] * 5),
        ("next lock wait", [lambda: player.to_mark("lock wait", 1)] * 5),
    ):
        if title != "seek":
            await timed.first_picture(lambda: player.seek(places[0]))
        took = [await timed.first_picture(act) for act in acts]
        firsts, wholes = zip(*took, strict=True)
        print(
            f"{title}: first picture {statistics.median(firsts):.3f} s (at most {max(firsts):.3f}),"
            f" whole {statistics.median(wholes):.2f} s (at most {max(wholes):.2f})",
            flush=True,
        )
    running.cancel()


def report(path: Path, *options: str) -> None:
    """Time a report, and its peak memory, in a process of its own."""
    code = (
        "import resource, sys; from pgscope.cli import main; main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "--from", str(path), *options, "--format", "html"],
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.perf_counter() - began
    memory, page = done.stderr.split()[-1], len(done.stdout)
    print(f"report {' '.join(options)}: {took:.1f} s, {memory} MB, page of {page:,}", flush=True)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--no-report", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "day.pgscope"
        if not path.exists():
            short = Path(folder) / "short"
            record_demo(short, 61.0)
            recording = Recording.open(short)
            began = time.perf_counter()
            write_day(path, list(recording.samples()), recording.marks, options.hours)
            print(f"written in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        recording = Recording.open(path)
        took = time.perf_counter() - began
        files = [path, *path.parent.glob(f"{path.name}.*")]
        size = sum(one.stat().st_size for one in files)
        hours = (recording.end - recording.start) / 3600
        print(f"{hours:.1f} h, {size / 1e6:.0f} MB in {len(files)} files, opened in {took:.3f} s", flush=True)
        asyncio.run(seek(recording))
        if not options.no_report:
            report(path, "--since", f"-{hours / 8:.2f}h", "--until", f"-{hours / 12:.2f}h")
            report(path)


if __name__ == "__main__":
    main()
