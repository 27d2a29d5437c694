"""A recording to read: the file, and the older ones that it was continued from."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pgscope.capture.recording.part import Damaged, Part
from pgscope.capture.recording.rotation import numbered
from pgscope.errors import UsageError
from pgscope.packed import Texts
from pgscope.sample import Connected, Disconnected, Mark, OwnCost, Poll, Sample, StatementTexts
from pgscope.text import clean, one_line

_MOST_PARTS = 10_000
_AFTER = 1e-6
"""Seconds; times have µs."""
_HOLES_TOLD = 3
_AT_A_TIME = 20
"""Texts told together: a long one takes a millisecond to take in, and there may be keys to answer."""


class Place(NamedTuple):
    """A segment: which part, and which of its segments."""

    part: Part
    segment: int


class Recording:
    """Samples of one server over time. Times are epoch seconds by the server's clock."""

    def __init__(
        self, parts: Sequence[Part], texts: Texts | None = None, *, follows: Path | None = None
    ) -> None:
        """`parts` oldest first; `texts` of statements that are not in them.

        `follows` is the path that the newest part has, for as long as it is not rotated.
        """
        self._follows = follows
        self._parts = list(parts)
        self._reading: Part | None = None
        """The part that is read; of the older ones only this has its file open."""
        self._texts = texts
        self._holes: dict[str, None] = {}
        """Damage that was met, each once, in the order in which it was."""

    @classmethod
    def open(cls, path: Path) -> Recording:
        """A file (or a link to it) and, if they are there, those that were rotated out of it.

        Raises UsageError.
        """
        linked = path.is_symlink() and not numbered(path, 1).exists()
        base = path.resolve() if linked else path
        newest = Part.open(base)
        older: list[Part] = []
        try:
            series = newest.series
            for number in range(1, _MOST_PARTS):
                rotated = numbered(base, number)
                if not series or not rotated.exists():
                    break
                if any(one.lies_at(rotated) for one in (newest, *older)):
                    continue  # whoever rotated it was killed halfway, or is at it now: the same file
                part = Part.open(base, number)
                others = part.series != series
                part.rest()
                if others:
                    break
                older.append(part)
        except (Damaged, UsageError) as error:
            if not older and not newest.entries.segments:
                raise UsageError(str(error)) from None
            newest.damage = newest.damage or str(error)
        return cls([*reversed(older), newest], follows=base)

    @classmethod
    def of_bytes(cls, content: bytes, name: str, texts: Texts | None = None) -> Recording:
        """A recording in memory, with texts that are not in it. Raises UsageError."""
        return cls([Part(io.BytesIO(content), name)], texts)

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()

    def refresh(self) -> None:
        """Take in what was written since, and the files that were begun since the newest was rotated.

        What of the oldest was deleted is past, but for the part that is read.
        """
        last = self._parts[-1]
        last.refresh()
        if self._follows is None:
            return
        if not last.lies_at(self._follows) and (newer := self._newer(self._follows, last)):
            # What was written to it before they were begun.
            last.refresh()
            self._parts += newer
            # Deleted by now, it can still be read to its end.
            if not last.gone:
                self._let_rest(last)
        while (oldest := self._parts[0]) not in (self._reading, last) and oldest.gone:
            oldest.rest()
            del self._parts[0]

    def _newer(self, path: Path, last: Part) -> list[Part]:
        """The parts that came after the last one, oldest first; none if that is not sure yet."""
        found: list[Part] = []
        try:
            for number in range(_MOST_PARTS):
                name = numbered(path, number)
                if last.lies_at(name) or (last.gone and not name.exists()):
                    return found[::-1]
                if any(part.lies_at(name) for part in found):
                    # It was rotated while this looked.
                    break
                found.append(Part.open(path, number))
                if not last.series or found[-1].series != last.series:
                    break
                if number:
                    found[-1].rest()
        except (Damaged, UsageError):
            # Nothing is in it yet, or it is being rotated again.
            pass
        for part in found:
            part.close()
        return []

    def _turn_to(self, part: Part) -> None:
        """Read in this one from now on."""
        if part is not self._reading:
            self._reading = part
            for one in self._parts:
                self._let_rest(one)

    def _let_rest(self, part: Part) -> None:
        """Close a part's file unless it is read, or the newest, which the others follow."""
        if part is not self._reading and part is not self._parts[-1]:
            part.rest()

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
        found: list[bool] = []
        for part in self._parts:
            found += part.redacted
            self._let_rest(part)
        return found

    @property
    def broken(self) -> str:
        """What was passed over for damage so far, in a line; '' if nothing was."""
        told = list(self._holes)[:_HOLES_TOLD]
        more = len(self._holes) - len(told)
        return "; ".join([*told, f"and {more} times more"] if more else told)

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

        After damage reading goes on with the next segment: a Disconnected says so, and what holds by then is
        told anew, as after a connection that was lost. `damage` says where.
        """
        places = self._places()
        return self._from(places[self._first(places, since) :], since, until)

    def whole_from(self, at: float) -> float:
        """When the segment begins that has a time: `samples` since then need not read on before the first."""
        places = self._places()
        return min(at, self._span(places[self._first(places, at)])[0]) if places else at

    def _first(self, places: Sequence[Place], since: float | None) -> int:
        if since is None:
            return 0
        return max(bisect_right([self._span(place)[0] for place in places], since) - 1, 0)

    def _places(self) -> list[Place]:
        return [Place(part, segment) for part in self._parts for segment in range(len(part.entries.segments))]

    def _span(self, place: Place) -> tuple[float, float]:
        _, start, end, _ = place.part.entries.segments[place.segment]
        return start, end

    def _from(self, places: Sequence[Place], since: float | None, until: float | None) -> Iterator[Sample]:
        reading = _Reading(since)
        yield from self._told(places, reading, until)
        yield from reading.ended()

    def _told(self, places: Sequence[Place], reading: _Reading, until: float | None) -> Iterator[Sample]:
        for number, place in enumerate(places):
            if until is not None and self._span(place)[0] > until:
                return
            part = place.part
            if number and (before := places[number - 1].part) is not part:
                before.forget_words()
            self._turn_to(part)
            try:
                for sample, repeats in part.segment(place.segment):
                    if reading.holds(sample, repeats, first=not number):
                        continue
                    if until is not None and not repeats and sample.at > until:
                        return
                    if not repeats and reading.due:
                        if reading.misses_texts:
                            reading.texts = part.texts(place.segment)
                        if self._texts is not None:
                            reading.texts = self._texts.copy()
                        yield from reading.begin(sample)
                    yield from reading.tell(sample, repeats)
            except Damaged as error:
                self._holes[str(error)] = None
                reading.broke(str(error), self._span(place)[0])


class _Reading:
    """What one reading remembers from segment to segment."""

    def __init__(self, since: float | None) -> None:
        self._since = since
        self._held: dict[str, Sample] = {}
        """What holds until further notice and was not told yet."""
        self._begun = since is None
        self._told = False
        self._continued = False
        self.texts: dict[tuple[int, int], str] | Texts = {}
        """Those that were not told yet."""
        self._hole = ""
        """Why what comes before the next sample could not be read; '' if all of it was."""
        self._news: dict[str, Sample] = {}
        """What holds after that."""
        self._last: tuple[float, float] | None = None
        """When the last sample before this was taken, at and mono."""

    @property
    def due(self) -> bool:
        """Whether something is to be told before the next sample."""
        return bool(self._hole) or not self._told

    @property
    def misses_texts(self) -> bool:
        """Whether texts are known by now of which nothing was told."""
        # A file that goes on where another ended has the texts, but nothing told of them.
        return bool(self._hole) or not self._begun or self._continued

    def holds(self, sample: Sample, repeats: bool, *, first: bool) -> bool:
        """Whether a sample is not told, or not yet; `first`: it is of the first segment that is read."""
        if repeats and not first:
            if self._hole:
                _hold(self._news, sample)
            return True
        if not self._begun and (repeats or sample.at < (self._since or 0.0)):
            if self._hole and not repeats:
                # The hole lies before the time to begin at.
                self._held.update(self._news)
                self._hole = ""
            _hold(self._held, sample)
            self._pass(sample, repeats)
            return True
        self._continued = self._continued or repeats
        return False

    def broke(self, why: str, start: float) -> None:
        """A segment that starts then could not be read to its end."""
        self._hole = self._hole or why
        self._news = {}
        if self._last is None:
            self._last = (start, start)

    def begin(self, sample: Sample) -> Iterator[Sample]:
        """What is told before a sample: what holds then, and that something is missing, if it is."""
        self._begun = self._told = True
        if not self._hole:
            yield from self._held.values()
            return
        yield self._missing()
        self._hole = ""
        for one in self._news.values():
            # As after a connection that was lost: nothing is told of what happened in between. Costs go on.
            if not isinstance(one, OwnCost):
                yield replace(one, at=sample.at, mono=sample.mono)
        self._news = {}

    def tell(self, sample: Sample, repeats: bool) -> Iterator[Sample]:
        """A sample, and before it the texts that it needs and that were not told yet."""
        if self.texts and isinstance(sample, Poll):
            for found in _pieces(_taken(self.texts, sample)):
                yield StatementTexts(sample.at, sample.mono, found)
        self._pass(sample, repeats)
        yield sample

    def _pass(self, sample: Sample, repeats: bool) -> None:
        if not repeats:
            self._last = (sample.at, sample.mono)

    def ended(self) -> Iterator[Sample]:
        """What is told at the end."""
        if self._hole:
            if not self._told:
                yield from self._held.values()
            yield self._missing()

    def _missing(self) -> Disconnected:
        at, mono = self._last or (0.0, 0.0)
        reason = one_line(clean(f"a part of the recording is missing: {self._hole}"))
        # Later than what was read, so that the moment of that is shown as it was.
        return Disconnected(at + _AFTER, mono + _AFTER, reason)


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
