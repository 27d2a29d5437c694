"""All sessions followed, and their sums by application and way of working: the rows of the balance sheet."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import field
from typing import NamedTuple

from pgscope.analysis.attribution.tail import Tail
from pgscope.analysis.attribution.tally import Seen, Tally, merge_seen
from pgscope.analysis.attribution.track import Habit, Track
from pgscope.analysis.roster import Roster
from pgscope.dataclass import dataclass
from pgscope.sample import Look, Poll, Sighting

_BEGINS = re.compile(r"\s*(begin|start\s+transaction)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(commit|rollback|end|abort)\b(?!\s+(prepared|to)\b)", re.IGNORECASE)

Partition = tuple[int, int]
"""User and database: statements of one are never of another."""

_COVERED = 0.1
"""Part of a session's time that its odometer must span to speak for all of it."""
_EXTRAPOLATED = 0.25
"""Relative error of what is supposed to have gone on outside of that span."""


class GroupKey(NamedTuple):
    """Sessions that are summed up: of one application, working in one way, with or without odometer."""

    application_name: str
    habit: Habit
    counted: bool
    """Whether their transactions were counted; if not, the habit is unknown."""


@dataclass
class Odometry:
    """What odometers said of a group, made whole for the time they did not cover."""

    amount: float = 0.0
    variance: float = 0.0
    sessions: int = 0


@dataclass
class Group:
    """Sums of a group over a stretch of time."""

    seen: dict[int, Seen] = field(default_factory=dict)
    transactions: Odometry = field(default_factory=Odometry)
    buffers: Odometry = field(default_factory=Odometry)
    sessions: int = 0
    pipelined: float = 0.0
    """Part of the sessions' active sightings that look like pipelines, weighted by transactions."""

    @property
    def pipelines(self) -> bool:
        """Whether it seems to send several statements at once: a transaction is then more than a call."""
        return self.pipelined > 0.1

    @property
    def buffers_known(self) -> bool:
        """Whether every session's buffers were counted, whoever visited them."""
        return self.sessions > 0 and self.buffers.sessions == self.sessions


Groups = dict[GroupKey, Group]

_SWEPT_EVERY = 10
"""Ticks after which also that is forgotten which nobody asks for."""

_MOST_NAMES = 300
"""Applications of a partition that are remembered, those that are there not counted."""
FORGOTTEN = "\0"
"""Stands for all that are not remembered by name any more; no application has this name."""


class SessionBook:
    """A fold over looks and polls: tracks of sessions, and the names seen in each partition."""

    def __init__(self, roster: Roster | None = None) -> None:
        self._tracks: dict[tuple[int, float], Track] = {}
        self._present: dict[Partition, dict[tuple[int, float], Track]] = {}
        self._gone: dict[Partition, list[Track]] = {}
        self._retired: dict[Partition, Groups] = {}
        self._busy: dict[Partition, dict[tuple[int, float], Track]] = {}
        """Those that are there and have something in the window."""
        self._roster = roster or Roster()
        self._polled: dict[tuple[int, float], Sighting] = {}
        """The sessions of the last poll, as they were seen."""
        self._looked: set[tuple[int, float]] = set()
        """Those that a look saw since."""
        self._astray: set[tuple[int, float]] = set()
        """Those that are followed, though the last poll had not got them: they came after it."""
        self._all_anew = False
        self._polls = 0
        self._poll_mono = float("-inf")
        self._own: frozenset[int] = frozenset()
        self._ends: frozenset[int] = frozenset()
        self._begins: frozenset[int] = frozenset()
        self._window = (0, float("-inf"))
        """The oldest tick in the window, and when it began (mono)."""
        self.ticks: Tail[float] = Tail(float("-inf"))
        """Ends of the ticks so far, mono."""
        self.looks: Tail[int] = Tail(0)
        """Looks so far, polls counted, at the end of each tick."""
        self.look_count = 0
        self.names: dict[Partition, dict[str, int]] = {}
        """Applications ever seen in a partition, and how many sessions each had."""
        self.names_of: dict[Partition, dict[int, set[str]]] = {}
        """Applications ever seen running a query_id."""
        self.users_of: dict[tuple[int, int], set[int]] = {}
        """Users whose sessions were ever seen running a query_id (second) in a database (first)."""
        self.news: dict[Partition, int] = {}
        """How often something was seen in a partition that shares hang on: an application for the first time,
        or for the first time running a query_id, or the first session that was there too briefly."""
        self.short_lived: dict[Partition, int] = {}
        """Sessions that were seen once only and then gone: there may be others that nobody saw."""

    def own(self, pids: Iterable[int]) -> None:
        """Pids of pgscope's connections, which are nobody's application."""
        self._own = frozenset(pids)
        self._all_anew = True

    def learn_text(self, query_id: int, text: str) -> None:
        """Learn whether this is a BEGIN, or a COMMIT or ROLLBACK: who shows it works in transactions."""
        if _ENDS.match(text):
            if query_id not in self._ends:
                self._settle_all()
                self._ends |= {query_id}
        elif _BEGINS.match(text):
            self._begins |= {query_id}

    @property
    def controls(self) -> tuple[frozenset[int], frozenset[int]]:
        """The query_ids known to begin and to end transactions."""
        return self._begins, self._ends

    def look(self, look: Look) -> None:
        """Take in a look of the fast sampler."""
        self.look_count += 1
        for sighting in look.sightings:
            self._looked.add(self._see(sighting, look.at, look.mono))
        for odometer in look.odometers:
            track = self._tracks.get((odometer.pid, odometer.backend_start))
            if track is not None:
                if odometer.transactions is not None:
                    track.count_transactions(odometer.transactions, odometer.mono)
                if odometer.buffers is not None:
                    track.count_buffers(odometer.buffers, odometer.mono)
                self._sort(track)
        if look.complete:
            self._leave(
                self._tracks.keys() - {(one.pid, one.backend_start) for one in look.sightings}, look.mono
            )

    def poll(self, poll: Poll) -> None:
        """Take in a slow poll: who is still there, and what they ran, as a look sees it."""
        roster, polled = self._roster, self._polled
        self.look_count += 1
        roster.feed(poll)
        suspects = self._looked | self._astray
        for session in roster.left:
            suspects.add(session.identity)
            polled.pop(session.identity, None)
        if self._all_anew:
            suspects |= self._tracks.keys()
            polled.clear()
        for session in roster.all.values() if self._all_anew else roster.changed:
            if session.is_client and session.pid not in self._own:
                polled[session.identity] = session.sighting
                self._looked.add(session.identity)
            else:
                suspects.add(session.identity)
                polled.pop(session.identity, None)
        self._all_anew = False
        # Those that are as they were seen last are counted when it matters: of thousands that is most.
        gone = {one for one in suspects if one in self._tracks and one not in polled}
        others = [self._tracks[one] for one in gone | (self._looked & self._tracks.keys())]
        for track in others:
            self._settle(track)
        self._polls += 1
        self._poll_mono = poll.mono
        for track in others:
            track.skip(self._polls)
        for identity in self._looked:
            if identity in polled:
                self._see(polled[identity], poll.at, poll.mono)
        self._lead(poll.mono)
        self._looked = set()
        self._leave(gone, poll.mono)
        self._astray = gone & self._tracks.keys()

    def _lead(self, mono: float) -> None:
        """Note which sessions have parallel workers."""
        for worker in self._roster.busy.values():
            if worker.leader_pid and worker.backend_type == "parallel worker":
                leader = self._roster.all.get(worker.leader_pid)
                track = self._tracks.get(leader.identity) if leader is not None else None
                if track is not None:
                    track.led_mono = mono

    def _settle(self, track: Track) -> None:
        track.settle(self._polls, self._poll_mono, self._ends)

    def _settle_all(self) -> None:
        for track in self._tracks.values():
            self._settle(track)

    def _sort(self, track: Track) -> None:
        """Note that a track has something in the window, if it does."""
        if track.window:
            self._busy.setdefault(track.partition, {})[(track.pid, track.backend_start)] = track

    def end_tick(self, mono: float, keep: int) -> None:
        """Close the tick; the windows reach back over `keep` of them."""
        self.ticks.append(mono)
        self.looks.append(self.look_count)
        oldest = len(self.ticks) - keep
        since = self.ticks[oldest - 1] if oldest > 0 else float("-inf")
        self._window = (oldest, since)
        if len(self.ticks) % _SWEPT_EVERY == 0:
            for partition in {*self._busy, *self._gone}:
                self._expire(partition)
            for partition in self.names:
                self._forget_names(partition)

    def _expire(self, partition: Partition) -> None:
        """Have the sessions of a partition forget what came before the window."""
        oldest, since = self._window
        busy = self._busy.get(partition, {})
        for track in busy.values():
            track.expire(oldest, since)
        for identity in [identity for identity, track in busy.items() if not track.window]:
            del busy[identity]
        left = []
        for track in self._gone.pop(partition, ()):
            track.expire(oldest, since)
            if track.window:
                left.append(track)
            else:
                self._retire(track)
        if left:
            self._gone[partition] = left

    def forget_all_but(self, keep: Container[tuple[int, int]]) -> None:
        """Drop what was seen of other statements, named by (dbid, queryid)."""
        self.users_of = {name: users for name, users in self.users_of.items() if name in keep}
        for partition, by_query in self.names_of.items():
            for queryid in [one for one in by_query if (partition[1], one) not in keep]:
                del by_query[queryid]
        for partition, retired in self._retired.items():
            for group in retired.values():
                for queryid in [one for one in group.seen if (partition[1], one) not in keep]:
                    del group.seen[queryid]

    def _forget_names(self, partition: Partition) -> None:
        """Where a partition has had too many applications, remember of those long gone what they did only."""
        names = self.names[partition]
        if len(names) <= _MOST_NAMES:
            return
        tracks = (*self._present.get(partition, {}).values(), *self._gone.get(partition, ()))
        there = {name for track in tracks for name in (track.application_name, *track.ever)}
        kept = {name: many for name, many in names.items() if name in there}
        if len(kept) == len(names):
            return
        kept[FORGOTTEN] = sum(names.values()) - sum(kept.values())
        self.names[partition] = kept
        for running in self.names_of.get(partition, {}).values():
            if not running <= kept.keys():
                running.intersection_update(kept)
                running.add(FORGOTTEN)
        retired = self._retired.get(partition, {})
        for key in [key for key in retired if key.application_name not in kept]:
            whole = retired.setdefault(key._replace(application_name=FORGOTTEN), Group())
            _add(whole, retired.pop(key))

    def restart(self) -> None:
        """The server may be another now: all sessions are gone."""
        self._all_anew = True
        self._leave(list(self._tracks), float("inf"))

    def groups(self, partition: Partition, begin: float, end: float, *, window: bool) -> Groups:
        """The groups of a partition from `begin` to `end` (mono): the window's, or the whole watch's."""
        groups: Groups = {}
        if window:
            self._expire(partition)
        else:
            for key, group in self._retired.get(partition, {}).items():
                _add(groups.setdefault(key, Group()), group)
        there = self._busy if window else self._present
        for track in there.get(partition, {}).values():
            self._settle(track)
        for track in (*self._gone.get(partition, ()), *there.get(partition, {}).values()):
            _sum_up(track, track.window if window else track.ever, begin, end, groups)
        return groups

    def _see(self, sighting: Sighting, at: float, mono: float) -> tuple[int, float]:
        """Take in a sighting; returns what names the session."""
        identity = (sighting.pid, sighting.backend_start)
        if not sighting.datid or not sighting.usesysid:
            return identity  # it is still starting: nobody yet, without a name, and it has run nothing
        track = self._tracks.get(identity)
        if track is None:
            partition = (sighting.usesysid, sighting.datid)
            track = Track(sighting, mono, self._polls)
            self._tracks[identity] = track
            self._present.setdefault(partition, {})[identity] = track
            names = self.names.setdefault(partition, {})
            if sighting.application_name not in names:
                self._tell_news(partition)
            names[sighting.application_name] = names.get(sighting.application_name, 0) + 1
        elif sighting.application_name != track.application_name:
            names = self.names.setdefault(track.partition, {})
            if sighting.application_name not in names:
                names[sighting.application_name] = 1
                self._tell_news(track.partition)
        if sighting.query_id is not None:
            running = self.names_of.setdefault(track.partition, {}).setdefault(sighting.query_id, set())
            if sighting.application_name not in running:
                running.add(sighting.application_name)
                self._tell_news(track.partition)
            self.users_of.setdefault((sighting.datid, sighting.query_id), set()).add(sighting.usesysid)
        self._settle(track)
        track.see(len(self.ticks), sighting, at, mono, self._ends)
        self._sort(track)
        return identity

    def _tell_news(self, partition: Partition) -> None:
        self.news[partition] = self.news.get(partition, 0) + 1

    def _leave(self, gone: Iterable[tuple[int, float]], mono: float) -> None:
        """Sessions that were not there at `mono`."""
        for identity in gone:
            track = self._tracks[identity]
            self._settle(track)
            # A session that came after the poll was taken is not in it, nor gone.
            if track.last_mono < mono:
                del self._tracks[identity], self._present[track.partition][identity]
                self._busy.get(track.partition, {}).pop(identity, None)
                if track.last_mono - track.first_mono < 0.5:
                    if track.partition not in self.short_lived:
                        self._tell_news(track.partition)
                    self.short_lived[track.partition] = self.short_lived.get(track.partition, 0) + 1
                self._gone.setdefault(track.partition, []).append(track)

    def _retire(self, track: Track) -> None:
        groups = self._retired.setdefault(track.partition, {})
        _sum_up(track, track.ever, track.first_mono, track.last_mono, groups)


def _sum_up(track: Track, tallies: dict[str, Tally], begin: float, end: float, groups: Groups) -> None:
    if not tallies:
        return
    span = max(min(end, track.last_mono) - max(begin, track.first_mono), 0.0)
    transactions = buffers = 0.0
    for tally in tallies.values():
        transactions += tally.transactions.seconds
        buffers += tally.buffers.seconds
    counted = transactions > 0 and transactions >= _COVERED * span and not track.shared
    habit: Habit = track.habit if counted else "unknown"
    for name, tally in tallies.items():
        key = GroupKey(name, habit, counted)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group()
        group.sessions += 1
        merge_seen(group.seen, tally.seen)
        if counted:
            before = group.transactions.amount
            _extend(
                group.transactions, tally.transactions.amount, tally.transactions.variance, transactions, span
            )
            if group.transactions.amount > 0:
                added = group.transactions.amount - before
                group.pipelined += (track.pipelined - group.pipelined) * added / group.transactions.amount
        alone = track.led_mono < max(begin, track.first_mono)
        if buffers > 0 and buffers >= _COVERED * span and alone and not track.shared:
            _extend(group.buffers, tally.buffers.amount, tally.buffers.variance, buffers, span)


def _extend(into: Odometry, amount: float, variance: float, covered: float, span: float) -> None:
    """Make an odometer's amount whole for the session's time outside of what it covered."""
    whole = amount * max(span / covered, 1.0)
    into.amount += whole
    into.variance += variance + (_EXTRAPOLATED * (whole - amount)) ** 2 + 1.0
    into.sessions += 1


def _add(into: Group, other: Group) -> None:
    merge_seen(into.seen, other.seen)
    for mine_, theirs in ((into.transactions, other.transactions), (into.buffers, other.buffers)):
        mine_.amount += theirs.amount
        mine_.variance += theirs.variance
        mine_.sessions += theirs.sessions
    both = into.transactions.amount
    if both > 0:
        into.pipelined += (other.pipelined - into.pipelined) * other.transactions.amount / both
    into.sessions += other.sessions
