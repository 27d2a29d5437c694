"""Samples to record: the demo's shop as it was recorded, and looks made up for its sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache

from pgscope.sample import Burst, BurstRow, Look, Odometer, Poll, Sample, Sighting
from tests.tui import samples
from tests.tui.record_shop import FILE


@lru_cache
def shop() -> tuple[Sample, ...]:
    """Some 80 samples over two and a half minutes; after each poll a look at its sessions."""
    made: list[Sample] = []
    for number, one in enumerate(samples.read(FILE)):
        made.append(one)
        if isinstance(one, Poll):
            made.append(_look(one, number))
            made.append(
                Burst(one.at, one.mono, 7, one.at - 5, 5, 10, "a", (BurstRow(one.mono, 5, None, None, "x"),))
            )
    return tuple(made)


def _look(poll: Poll, number: int) -> Look:
    clients = [one for one in poll.sessions if one.is_client]
    sightings = tuple(
        Sighting(
            one.pid,
            one.backend_start,
            one.datid,
            one.usesysid,
            one.application_name,
            one.state,
            one.wait_event_type,
            one.query_id,
            one.query_start,
            one.xact_start,
            one.state_change,
        )
        for one in clients
    )
    odometers = [
        Odometer(one.pid, one.backend_start, 5 * number, None, poll.mono + 0.01) for one in clients[::2]
    ]
    odometers += [Odometer(one.pid, one.backend_start, None, 7 * number, poll.mono) for one in clients[::3]]
    return Look(poll.at, poll.mono, sightings, tuple(odometers), number == 0)


def later(samples: Iterable[Sample], seconds: float) -> list[Sample]:
    """The same, as much later."""
    return [replace(one, at=one.at + seconds, mono=one.mono + seconds) for one in samples]


def alike(one: object, other: object) -> bool:
    """Whether two values are the same as far as a recording keeps them: a µs, and 10 ns of milliseconds."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 2e-5
    if isinstance(one, tuple) and isinstance(other, tuple):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and (one == other or all(map(alike, one, other)))
        )
    if is_dataclass(one) and type(one) is type(other):
        names = [field.name for field in fields(one) if field.name != "mono"]
        return all(alike(getattr(one, name), getattr(other, name)) for name in names)
    return one == other


def same(some: Sequence[Sample], others: Sequence[Sample]) -> bool:
    """Whether two streams are alike; the client's clock may begin elsewhere."""
    return len(some) == len(others) and all(
        alike(_relative(one), _relative(other)) for one, other in zip(some, others, strict=True)
    )


def _relative(one: Sample) -> Sample:
    """With monotonic times inside of it relative to its own."""
    if isinstance(one, Look):
        return replace(one, odometers=tuple(row._replace(mono=row.mono - one.mono) for row in one.odometers))
    if isinstance(one, Burst):
        return replace(one, rows=tuple(row._replace(mono=row.mono - one.mono) for row in one.rows))
    return one
