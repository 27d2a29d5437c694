"""Plays a recording into watches: forward at a speed, by steps, and to any moment of it."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.snapshot import Link, Snapshot
from pgscope.analysis.watch import Watch
from pgscope.capture.recording.part import Damaged
from pgscope.capture.recording.recording import Recording
from pgscope.dataclass import dataclass
from pgscope.errors import UsageError
from pgscope.lookback import LookBack
from pgscope.sample import Connected, Disconnected, Mark, Poll, Sample

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_GLANCE = 4.0
"""Seconds before a moment that are read to show it at once."""
_WARM = 90.0
"""Seconds before it that are read after that, for what needs a while: rates, load, findings."""
_SLICE, _BREATH = 0.02, 0.002
"""Seconds of work at a time, and between: a key is answered in several steps, all of which should fit in."""
_WHILE, _WHILE_EMPTY = 0.3, 1.0
"""Seconds from which on it is said that it takes a while, and shown what there is by then: an empty picture
would only flash."""
_UNHURRIED = 5.0
"""Seconds of the recording from one search for pairs of statements to the next, where many are gone through
for one picture: it is most of the work."""
_FAST = 10.0
"""Speed from which on that is so while it plays."""
_TICK = 0.05
_SHOW_NEW, _SHOW_BAR = 0.2, 0.5
"""Seconds from one picture to the next, at the least, with new samples and without."""
_GROWN_AFTER = 1.0
"""Seconds until a recording that goes on is looked at again at its end."""

_LOOKING = "looking for a finding"
_EMPTY = Snapshot(0.0, 0.0, 0.0, Link(False, 0.0, ""))


@dataclass(frozen=True)
class Playing:
    """Where a player is, for the time bar; times in epoch seconds by the server's clock."""

    name: str
    start: float
    end: float
    at: float
    playing: bool
    speed: float
    marks: tuple[Mark, ...]
    busy: str = ""
    """What it is at, if that takes a while."""
    empty: bool = False
    """Whether there is nothing to show yet."""


class Player:
    """Plays one recording. `changed` is called when there is something new to show: see `snapshot`."""

    def __init__(
        self,
        recording: Recording,
        name: str,
        settings: Callable[[], FindingSettings],
        changed: Callable[[], None],
        *,
        at: float | None = None,
        playing: bool = True,
    ) -> None:
        """Begins at `at`, by default at the recording's start."""
        self.recording = recording
        self.name = name
        self.playing = playing
        self.speed = 1.0
        self.snapshot = _EMPTY
        self.said = ""
        """The last thing to tell: the end, damage, nothing found."""
        self.watch = Watch(settings())
        self._settings = settings
        self._changed = changed
        self._marks = tuple(recording.marks)
        self._found: tuple[Mark, ...] = ()
        """Findings that were looked for, where none are noted."""
        self._at = recording.start if at is None else at
        self._wanted: float | None = self._at
        self._stream: Iterator[Sample] = iter(())
        self._next: Sample | None = None
        self._polls: deque[float] = deque(maxlen=1000)
        self._back = LookBack(recording)
        self._busy = ""
        self._search = False
        self._steps = 0
        self._woken = asyncio.Event()
        self._looked = 0.0
        self._told = 0.0
        self._shown = 0.0
        self._new = False

    @property
    def state(self) -> Playing:
        """Where it is."""
        return Playing(
            name=self.name,
            start=self.recording.start,
            end=max(self.recording.end, self._at),
            at=self._at,
            playing=self.playing,
            speed=self.speed,
            marks=self._marks + self._found,
            busy=self._busy,
            empty=self.snapshot is _EMPTY,
        )

    # --- what a person asks for

    def toggle(self) -> None:
        """Play, or pause."""
        self.playing = not self.playing
        self._wake()

    def change_speed(self, steps: int) -> None:
        """Play faster or slower."""
        place = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]
        self._wake()

    def seek(self, at: float) -> None:
        """Go to a moment."""
        self._wanted = min(max(at, self.recording.start), self.recording.end)
        self._search = False
        self._wake()

    def move(self, seconds: float) -> None:
        """Go forward, or back."""
        self.seek((self._at if self._wanted is None else self._wanted) + seconds)

    def step(self, polls: int) -> None:
        """Pause, and go one poll forward, or back."""
        self.playing = False
        if polls > 0:
            self._steps += polls
            self._wake()
        else:
            before = [at for at in self._polls if at < self._at - 1e-6]
            self.seek(before[-1] if before else self._at - 1.0)

    def to_mark(self, kind: str, direction: int) -> bool:
        """Go to the next (or last) moment of a kind: 'finding' or 'lock wait'; where none is noted, look.

        Returns whether there is any, as far as is known.
        """
        times = [mark.at for mark in self._marks if mark.kind == kind]
        at = self._at if self._wanted is None else self._wanted
        if kind == "lock wait" and not times:
            times = self._nearest_wait(at, direction)
        if not times and kind == "finding" and direction > 0:
            self._search = True
            self._busy = _LOOKING
            self._wake()
            return True
        if not times and kind == "finding":
            times = [mark.at for mark in self._found]
            nothing = "no finding before this is noted"
            if at < self.recording.end:
                nothing += "; > looks for the next"
        else:
            nothing = f"no {kind} {'after' if direction > 0 else 'before'} this"
        place = bisect_right(times, at + 0.01) if direction > 0 else bisect_left(times, at - 1.0) - 1
        if 0 <= place < len(times):
            self.seek(times[place])
            return True
        self.said = nothing
        self._changed()
        return False

    def _nearest_wait(self, at: float, direction: int) -> list[float]:
        """Where the next (or last) wait begins, if there is one: in a minute that follows one without."""
        waits = self.recording.waits
        ends = [float("-inf"), *(end for _, end in waits)]
        begins = [wait for wait, before in zip(waits, ends, strict=False) if wait[0] - before > 1.0]
        for start, end in begins if direction > 0 else reversed(begins):
            if end <= at if direction > 0 else start >= at:
                continue
            polls = (one for one in self.recording.samples(start, end) if isinstance(one, Poll))
            first = next((one.at for one in polls if one.blocking), None)
            if first is not None and (first > at + 0.01 if direction > 0 else first < at - 1.0):
                return [first]
        return []

    def _wake(self) -> None:
        self._woken.set()

    # --- at work

    async def run(self) -> None:
        """Play until cancelled."""
        last = time.monotonic()
        while True:
            if self._wanted is not None:
                await self._go(self._wanted)
                last = time.monotonic()
            elif self._search:
                await self._find()
            elif self._steps:
                self._steps -= 1
                self._forward_one()
            elif self.playing:
                now = time.monotonic()
                self._play((now - last) * self.speed)
                self._look_back()
                last = now
                await asyncio.sleep(_TICK)
                continue
            self._changed()
            while self._stands and self._back.busy:
                self._look_back()
                await asyncio.sleep(_BREATH)
            if self._stands:
                self._woken.clear()
                await self._woken.wait()
            else:
                await asyncio.sleep(0)
            last = time.monotonic()

    @property
    def _stands(self) -> bool:
        """Whether it has nothing to do until it is told."""
        return self._wanted is None and not self._search and not self._steps and not self.playing

    def _look_back(self) -> None:
        """Read on in the time before."""
        if self._back.go_on(_SLICE):
            self.snapshot = self.watch.snapshot()
            self._changed()

    async def _go(self, at: float) -> None:
        """Show a moment at once, and again with all that the time before it tells."""
        self._steps = 0
        self._told = time.monotonic()
        for before in (_GLANCE, _WARM):
            watch = Watch(self._settings())
            watch.every(_UNHURRIED)
            polls: deque[float] = deque(maxlen=1000)
            stream = self.recording.samples(at - before)
            following: Sample | None = None
            until = time.monotonic() + _SLICE
            for sample in stream:
                # What held when it begins comes first, and may be old. The link may be another soon.
                if isinstance(sample, Poll | Connected | Disconnected) and sample.at > at and polls:
                    following = sample
                    break
                if sample.at > at - _GLANCE:
                    watch.every(0.0)
                self._feed(watch, polls, sample)
                if time.monotonic() > until:
                    self._tell(watch if polls and sample.at > at else None)
                    await asyncio.sleep(_BREATH)
                    if self._wanted != at:
                        return
                    until = time.monotonic() + _SLICE
            if before == _GLANCE or _is_nearer(polls, self._polls, at):
                self.watch, self._polls, self._stream, self._next = watch, polls, stream, following
                self._at = at
                watch.every(0.0)
                self.snapshot = watch.snapshot()
                self._changed()
            await asyncio.sleep(_BREATH)
            if self._wanted != at:
                return
        self._back.arrive(self.watch)
        self._wanted = None
        self._busy = _LOOKING if self._search else ""

    def _tell(self, watch: Watch | None) -> None:
        """Say that it takes a while, if it does.

        Where nothing is shown yet, that is what a watch has by now, if one is there that has the poll: with
        thousands of texts the rest may take seconds.
        """
        nothing = self.snapshot is _EMPTY
        if time.monotonic() - self._told > (_WHILE_EMPTY if nothing and watch is None else _WHILE):
            self._busy, self._told = "reading", time.monotonic()
            if nothing and watch is not None:
                self.snapshot = watch.snapshot()
            self._changed()

    def _feed(self, watch: Watch, polls: deque[float], sample: Sample) -> None:
        watch.feed(sample)
        if isinstance(sample, Poll):
            watch.wants()
            polls.append(sample.at)

    def _taken(self) -> Sample | None:
        """The next sample; None at the end, where the file may have grown."""
        if self._next is None:
            self._next = next(self._stream, None)
            if self._next is None:
                self._at_end()
                self._next = next(self._stream, None)
        return self._next

    def _at_end(self) -> None:
        now = time.monotonic()
        if now - self._looked < _GROWN_AFTER:
            return
        self._looked = now
        end = self.recording.end
        try:
            self.recording.refresh()
        except (Damaged, UsageError) as error:
            self._stop(f"the end of what can be read: {error}")
            return
        if self.recording.end > end and self._polls:
            last = self._polls[-1]
            self._stream = _after(self.recording.samples(last), last)
            self._marks = tuple(self.recording.marks)
        else:
            broken = self.recording.broken
            more = f"; not all of it could be read: {broken}" if broken else ""
            self._stop(f"the end of the recording{more}")

    def _stop(self, said: str) -> None:
        self.playing = False
        self.said = said

    def _play(self, seconds: float) -> None:
        """Go on by so many seconds of the recording, or as far as that is in a slice of time."""
        goal = self._at + seconds
        until = time.monotonic() + 2 * _SLICE
        new = False
        self.watch.every(_UNHURRIED if self.speed >= _FAST else 0.0)
        while (sample := self._taken()) is not None and sample.at <= goal:
            self._next = None
            self._feed(self.watch, self._polls, sample)
            new = new or isinstance(sample, Poll | Connected | Disconnected)
            if time.monotonic() > until:
                goal = max(sample.at, self._at)
                break
        self._at = min(goal, max(self.recording.end, self._at))
        self._new = self._new or new
        now = time.monotonic()
        if now - self._shown >= (_SHOW_NEW if self._new else _SHOW_BAR) or not self.playing:
            self._shown = now
            if self._new:
                self.snapshot, self._new = self.watch.snapshot(), False
            self._changed()

    def _forward_one(self) -> None:
        self.watch.every(0.0)
        while (sample := self._taken()) is not None:
            self._next = None
            self._feed(self.watch, self._polls, sample)
            if isinstance(sample, Poll):
                self._at = sample.at
                break
        self.snapshot = self.watch.snapshot()

    async def _find(self) -> None:
        """Go on until there is a finding that was not there."""
        known = {finding.fingerprint for finding in self.watch.findings.current(self._at)}
        until = time.monotonic() + _SLICE
        self.watch.every(_UNHURRIED)
        while self._search and self._wanted is None:
            sample = self._taken()
            if sample is None:
                self.said = "no finding after this"
                break
            self._next = None
            self._feed(self.watch, self._polls, sample)
            if isinstance(sample, Poll):
                self._at = sample.at
                current = self.watch.findings.current(sample.at)
                new = next((one for one in current if one.fingerprint not in known and not one.ended), None)
                if new is not None:
                    mark = Mark(sample.at, "finding", f"{new.grade} {new.kind}")
                    self._found = tuple(sorted({*self._found, mark}))
                    break
            if time.monotonic() > until:
                self._changed()
                await asyncio.sleep(_BREATH)
                until = time.monotonic() + _SLICE
        self._search, self._busy = False, ""
        self.snapshot = self.watch.snapshot()


def _after(stream: Iterator[Sample], at: float) -> Iterator[Sample]:
    """Of a stream from a poll on what comes after that; what it begins with was told before."""
    for sample in stream:
        if isinstance(sample, Poll) and sample.at >= at:
            if sample.at > at:
                yield sample
            break
    yield from stream


def _is_nearer(polls: deque[float], others: deque[float], at: float) -> bool:
    """Whether these polls come at least as close before a moment as others do; none is nothing."""

    def nearest(some: deque[float]) -> tuple[bool, float]:
        return bool(some), some[-1] if some and some[-1] <= at else float("-inf")

    return nearest(polls) >= nearest(others)
