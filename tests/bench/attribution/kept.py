"""Runs kept as files: what was seen as a recording, the truth beside it; and as if looks had been rarer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.sample import Look, Poll, Sample, Sighting
from tests.bench.attribution.measure import Record


def save(record: Record, folder: Path) -> Path:
    """Write a run as MAJOR-MIX.pgscope and .json; returns the path of the first."""
    path = folder / f"{record.major}-{record.mix}.pgscope"
    path.unlink(missing_ok=True)
    file = RecordingFile(path)
    try:
        for sample in record.samples:
            file.write(sample)
    finally:
        file.close()
    about = {
        "major": record.major,
        "mix": record.mix,
        "seconds": record.seconds,
        "calls": record.calls,
        "query_ids": {name: sorted(found) for name, found in record.query_ids.items()},
    }
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
    return path


def load(path: Path) -> Record:
    """The run that `save` wrote there."""
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    recording = Recording.open(path)
    try:
        samples = list(recording.samples())
    finally:
        recording.close()
    query_ids = {name: set(found) for name, found in about["query_ids"].items()}
    return Record(about["major"], about["mix"], samples, about["calls"], query_ids, about["seconds"])


def rarer(record: Record, hz: float) -> Record:
    """The run as it would have been seen with so many looks a second, polls counted.

    What a look showed that is left out, the next one would have shown, unless it changed once more.
    """
    period = 1.0 / hz
    polls = [sample.mono for sample in record.samples if isinstance(sample, Poll)]
    kept: list[Sample] = []
    carried: dict[int, Sighting] = {}
    last = float("-inf")
    for sample in record.samples:
        if isinstance(sample, Poll):
            # It shows everybody as they are: what changed since a look that is left out was never seen.
            carried, last = {}, sample.mono
        if not isinstance(sample, Look):
            kept.append(sample)
            continue
        carried |= {one.pid: one for one in sample.sightings}
        poll = next((mono for mono in polls if mono >= sample.mono), float("inf"))
        due = sample.mono - last >= 0.97 * period and poll - sample.mono >= 0.5 * period
        if sample.complete or due:
            sightings = sample.sightings if sample.complete else tuple(carried.values())
            kept.append(replace(sample, sightings=sightings))
            carried, last = {}, sample.mono
    return replace(record, samples=kept)
