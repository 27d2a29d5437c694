"""All sessions followed, and their sums by application and way of working: the rows of the balance sheet."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pgscope.analysis.attribution.tail import Tail
from pgscope.analysis.attribution.tally import Seen, Tally, merge_seen
from pgscope.analysis.attribution.track import Habit, Track
from pgscope.sample import Look, Poll, Session, Sighting

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
    """Whether their transactions were counted."""


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
        """Whether every session's buffers were counted."""
        return self.sessions > 0 and self.buffers.sessions == self.sessions


Groups = dict[GroupKey, Group]

_MOST_NAMES = 300
"""Applications of a partition that are remembered, those that are there not counted."""


class SessionBook:
    """A fold over looks and polls: tracks of sessions, and the names seen in each partition."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[int, float], Track] = {}
        self._present: dict[Partition, dict[tuple[int, float], Track]] = {}
        self._gone: dict[Partition, list[Track]] = {}
        self._retired: dict[Partition, Groups] = {}
        self._polled: dict[int, tuple[Session, tuple[int, float], Sighting]] = {}
        """The sessions of the last poll, by pid."""
        self._own: frozenset[int] = frozenset()
        self._ends: frozenset[int] = frozenset()
        self._begins: frozenset[int] = frozenset()
        self.ticks: Tail[float] = Tail(float("-inf"))
        """Ends of the ticks so far, mono."""
        self.looks: Tail[int] = Tail(0)
        """Looks so far at the end of each tick."""
        self.look_count = 0
        self.names: dict[Partition, dict[str, int]] = {}
        """Applications ever seen in a partition, and how many sessions each had."""
        self.names_of: dict[Partition, dict[int, set[str]]] = {}
        """Applications ever seen running a query_id."""
        self.users_of: dict[tuple[int, int], set[int]] = {}
        """Users whose sessions were ever seen running a query_id (second) in a database (first)."""
        self.short_lived: dict[Partition, int] = {}
        """Sessions that were seen once only and then gone: there may be others that nobody saw."""

    def own(self, pids: Iterable[int]) -> None:
        """Pids of pgscope's connections, which are nobody's application."""
        self._own = frozenset(pids)
        self._polled.clear()

    def learn_text(self, query_id: int, text: str) -> None:
        """Learn whether this is a BEGIN, or a COMMIT or ROLLBACK: who shows it works in transactions."""
        if _ENDS.match(text):
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
            self._see(sighting, look.at, look.mono)
        for odometer in look.odometers:
            track = self._tracks.get((odometer.pid, odometer.backend_start))
            if track is not None:
                if odometer.transactions is not None:
                    track.count_transactions(odometer.transactions, odometer.mono, self.ticks)
                if odometer.buffers is not None:
                    track.count_buffers(odometer.buffers, odometer.mono, self.ticks)
        if look.complete:
            self._leave({(one.pid, one.backend_start) for one in look.sightings}, look.mono)

    def poll(self, poll: Poll) -> None:
        """Take in a slow poll: who is still there, and (where no look saw it) what they ran."""
        before, self._polled = self._polled, {}
        there = set()
        for session in poll.sessions:
            known = before.get(session.pid)
            if known is None or known[0] is not session:
                if not session.is_client or session.pid in self._own:
                    continue
                known = (session, session.identity, _sighting(session))
            _, identity, sighting = self._polled[session.pid] = known
            there.add(identity)
            track = self._tracks.get(identity)
            # Of thousands most did nothing since the poll before.
            if track is None or not track.see_again(sighting, poll.mono, self._ends):
                self._see(sighting, poll.at, poll.mono)
        self._leave(there, poll.mono)

    def end_tick(self, mono: float, keep: int) -> None:
        """Close the tick; the windows reach back over `keep` of them."""
        self.ticks.append(mono)
        self.looks.append(self.look_count)
        oldest = len(self.ticks) - keep
        for track in self._tracks.values():
            track.expire(oldest)
        for partition, gone in list(self._gone.items()):
            left = []
            for track in gone:
                track.expire(oldest)
                if track.window:
                    left.append(track)
                else:
                    self._retire(track)
            if left:
                self._gone[partition] = left
            else:
                del self._gone[partition]

    def forget_all_but(self, keep: Container[tuple[int, int]]) -> None:
        """Drop what was seen of other statements, named by (dbid, queryid), and of applications long gone."""
        self.users_of = {name: users for name, users in self.users_of.items() if name in keep}
        for partition, by_query in self.names_of.items():
            for queryid in [one for one in by_query if (partition[1], one) not in keep]:
                del by_query[queryid]
        for partition, names in self.names.items():
            if len(names) > _MOST_NAMES:
                there = {
                    name
                    for track in (*self._present.get(partition, {}).values(), *self._gone.get(partition, ()))
                    for name in track.ever
                }
                self.names[partition] = {name: many for name, many in names.items() if name in there}
            known = self.names[partition]
            retired = self._retired.get(partition, {})
            for key in [key for key in retired if key.application_name not in known]:
                del retired[key]
            for group in retired.values():
                for queryid in [one for one in group.seen if (partition[1], one) not in keep]:
                    del group.seen[queryid]

    def restart(self) -> None:
        """The server may be another now: all sessions are gone."""
        self._leave(set(), float("inf"))

    def groups(self, partition: Partition, begin: float, end: float, *, window: bool) -> Groups:
        """The groups of a partition from `begin` to `end` (mono): the window's, or the whole watch's."""
        groups: Groups = {}
        if not window:
            for key, group in self._retired.get(partition, {}).items():
                _add(groups.setdefault(key, Group()), group)
        for track in (*self._gone.get(partition, ()), *self._present.get(partition, {}).values()):
            _sum_up(track, track.window if window else track.ever, begin, end, groups)
        return groups

    def _see(self, sighting: Sighting, at: float, mono: float) -> None:
        if not sighting.datid or not sighting.usesysid:
            return  # it is still starting: nobody yet, without a name, and it has run nothing
        identity = (sighting.pid, sighting.backend_start)
        track = self._tracks.get(identity)
        if track is None:
            partition = (sighting.usesysid, sighting.datid)
            track = Track(sighting, mono)
            self._tracks[identity] = track
            self._present.setdefault(partition, {})[identity] = track
            names = self.names.setdefault(partition, {})
            names[sighting.application_name] = names.get(sighting.application_name, 0) + 1
        elif sighting.application_name != track.application_name:
            names = self.names.setdefault(track.partition, {})
            names.setdefault(sighting.application_name, 1)
        if sighting.query_id is not None:
            by_query = self.names_of.setdefault(track.partition, {})
            by_query.setdefault(sighting.query_id, set()).add(sighting.application_name)
            self.users_of.setdefault((sighting.datid, sighting.query_id), set()).add(sighting.usesysid)
        track.see(len(self.ticks), sighting, at, mono, self._ends)

    def _leave(self, alive: set[tuple[int, float]], mono: float) -> None:
        for identity, track in list(self._tracks.items()):
            # A session that came after the poll was taken is not in it, nor gone.
            if identity not in alive and track.last_mono < mono:
                del self._tracks[identity], self._present[track.partition][identity]
                if track.last_mono - track.first_mono < 0.5:
                    self.short_lived[track.partition] = self.short_lived.get(track.partition, 0) + 1
                self._gone.setdefault(track.partition, []).append(track)

    def _retire(self, track: Track) -> None:
        groups = self._retired.setdefault(track.partition, {})
        _sum_up(track, track.ever, track.first_mono, track.last_mono, groups)


def _sum_up(track: Track, tallies: dict[str, Tally], begin: float, end: float, groups: Groups) -> None:
    if not tallies:
        return
    span = max(min(end, track.last_mono) - max(begin, track.first_mono), 0.0)
    transactions = sum(tally.transactions.seconds for tally in tallies.values())
    buffers = sum(tally.buffers.seconds for tally in tallies.values())
    counted = transactions > 0 and transactions >= _COVERED * span and not track.shared
    for name, tally in tallies.items():
        key = GroupKey(name, track.habit if counted else "unknown", counted)
        group = groups.setdefault(key, Group())
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
        if buffers > 0 and buffers >= _COVERED * span and not track.shared:
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


def _sighting(session: Session) -> Sighting:
    return Sighting(
        session.pid,
        session.backend_start,
        session.datid,
        session.usesysid,
        session.application_name,
        session.state,
        session.wait_event_type,
        session.query_id,
        session.query_start,
        session.xact_start,
        session.state_change,
    )
