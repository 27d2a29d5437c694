"""A recording to read: the file, and the older ones that it was continued from."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pgscope.capture.recording.part import Damaged, Part
from pgscope.capture.recording.rotation import numbered
from pgscope.errors import UsageError
from pgscope.packed import Texts
from pgscope.sample import Connected, Disconnected, Mark, Poll, Sample, StatementTexts

_AT_A_TIME = 20
"""Texts told together: a long one takes a millisecond to take in, and there may be keys to answer."""


class Place(NamedTuple):
    """A segment: which part, and which of its segments."""

    part: int
    segment: int


class Recording:
    """Samples of one server over time. Times are epoch seconds by the server's clock."""

    def __init__(self, parts: Sequence[Part], texts: Texts | None = None) -> None:
        """`parts` oldest first; `texts` of statements that are not in them."""
        self._parts = list(parts)
        self._texts = texts
        self.broken = ""
        """Where reading stopped for damage; '' if it did not."""

    @classmethod
    def open(cls, path: Path) -> Recording:
        """A file (or a link to it) and, if they are there, those that were rotated out of it.

        Raises UsageError.
        """
        newest = Part.open(path)
        base = path if numbered(path, 1).exists() else path.resolve()
        older: list[Part] = []
        try:
            series = newest.head(newest.entries.heads[0]).get("series")
            for number in range(1, 10_000):
                rotated = numbered(base, number)
                if not series or not rotated.exists():
                    break
                part = Part.open(rotated)
                if part.head(part.entries.heads[0]).get("series") != series:
                    part.close()
                    break
                older.append(part)
        except (Damaged, UsageError) as error:
            if not older and not newest.entries.segments:
                raise UsageError(str(error)) from None
            newest.damage = newest.damage or str(error)
        return cls([*reversed(older), newest])

    @classmethod
    def of_bytes(cls, content: bytes, name: str, texts: Texts | None = None) -> Recording:
        """A recording in memory, with texts that are not in it. Raises UsageError."""
        return cls([Part(io.BytesIO(content), name)], texts)

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()

    def refresh(self) -> None:
        """Take in what was written since; a file that was rotated meanwhile stays as it is."""
        self._parts[-1].refresh()

    @property
    def start(self) -> float:
        """When the first sample was taken; 0 if there is none."""
        return next((part.start for part in self._parts if part.start), 0.0)

    @property
    def end(self) -> float:
        """When the last sample was taken."""
        return max(part.end for part in self._parts)

    @property
    def redacted(self) -> bool:
        """Whether the constants were taken out of all statements."""
        return all(self._redacted)

    @property
    def partly_redacted(self) -> bool:
        """Whether the constants were taken out of some statements, and not of others."""
        return any(self._redacted) and not all(self._redacted)

    @property
    def _redacted(self) -> list[bool]:
        """Of each run."""
        return [redacted for part in self._parts for redacted in part.redacted]

    @property
    def damage(self) -> str:
        """What is wrong with it, in a line; '' if nothing is."""
        told = [f"{part.name} is {part.damage}" for part in self._parts if part.damage]
        if self.broken:
            told.append(self.broken)
        return "; ".join(told)

    @property
    def marks(self) -> list[Mark]:
        """Findings and lock waits, oldest first."""
        return sorted(mark for part in self._parts for mark in part.marks)

    @property
    def waits(self) -> list[tuple[float, float]]:
        """Stretches in which somebody waited for a lock: their starts and ends."""
        return [
            (start, end) for part in self._parts for _, start, end, waits in part.entries.segments if waits
        ]

    def samples(self, since: float | None = None, until: float | None = None) -> Iterator[Sample]:
        """The samples from a time to a time, in order, and before them what held when they began.

        Reading stops at the first damage; `damage` says where.
        """
        places = self._places()
        first = 0
        if since is not None:
            starts = [self._span(place)[0] for place in places]
            first = max(bisect_right(starts, since) - 1, 0)
        try:
            yield from self._from(places[first:], since, until)
        except Damaged as error:
            self.broken = str(error)

    def _places(self) -> list[Place]:
        return [
            Place(number, segment)
            for number, part in enumerate(self._parts)
            for segment in range(len(part.entries.segments))
        ]

    def _span(self, place: Place) -> tuple[float, float]:
        _, start, end, _ = self._parts[place.part].entries.segments[place.segment]
        return start, end

    def _from(self, places: Sequence[Place], since: float | None, until: float | None) -> Iterator[Sample]:
        held: dict[str, Sample] = {}
        begun = since is None
        told = False
        continued = False
        texts: dict[tuple[int, int], str] | Texts = {}
        for number, place in enumerate(places):
            if until is not None and self._span(place)[0] > until:
                return
            part = self._parts[place.part]
            if number and places[number - 1].part != place.part:
                self._parts[places[number - 1].part].forget_words()
            for sample, repeats in part.segment(place.segment):
                if repeats and number:
                    continue
                if not begun and (repeats or sample.at < (since or 0.0)):
                    _hold(held, sample)
                    continue
                continued = continued or repeats
                if not told and not repeats:
                    told = True
                    # A file that goes on where another ended has the texts, but nothing told of them.
                    if not begun or continued:
                        yield from held.values()
                        texts = part.texts(place.segment)
                    if self._texts is not None:
                        texts = self._texts.copy()
                    begun = True
                if until is not None and not repeats and sample.at > until:
                    return
                if texts and isinstance(sample, Poll):
                    for found in _pieces(_taken(texts, sample)):
                        yield StatementTexts(sample.at, sample.mono, found)
                yield sample


def _hold(held: dict[str, Sample], sample: Sample) -> None:
    """Keep the last of each kind that holds until further notice."""
    if isinstance(sample, (Connected, Disconnected)):
        held["link"] = sample
    elif type(sample).__name__ in ("Names", "OwnCost"):
        held[type(sample).__name__] = sample
    elif type(sample).__name__ == "Catalog":
        held[f"catalog {getattr(sample, 'datid', 0)}"] = sample


def _taken(texts: dict[tuple[int, int], str] | Texts, poll: Poll) -> Mapping[tuple[int, int], str]:
    """Take out the texts of what a poll has: of a day's statements most are long gone."""
    wanted = {(row.dbid, row.queryid) for row in poll.statements or ()}
    wanted.update((one.datid, one.query_id) for one in poll.sessions if one.query_id is not None)
    if isinstance(texts, Texts):
        return texts.split(wanted)
    return {key: texts.pop(key) for key in wanted & texts.keys()}


def _pieces(texts: Mapping[tuple[int, int], str]) -> Iterator[Mapping[tuple[int, int], str]]:
    """The same, a few at a time."""
    names = list(texts)
    for place in range(0, len(names), _AT_A_TIME):
        some = names[place : place + _AT_A_TIME]
        yield texts.split(set(some)) if isinstance(texts, Texts) else {name: texts[name] for name in some}
