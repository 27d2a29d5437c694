"""The fold over everything: samples in, snapshots and a report's sums out. No clock, no socket."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pgscope.analysis.clock import ClockWatch
from pgscope.analysis.cost import CostFold
from pgscope.analysis.counters import NOTHING, Counts, EvictionWatch, Interval, StatementDeltas
from pgscope.analysis.findings import Finding, FindingSettings
from pgscope.analysis.fingerprints import FingerprintBook
from pgscope.analysis.history import LoadHistory
from pgscope.analysis.live_statements import LiveStatements
from pgscope.analysis.load import Load
from pgscope.analysis.locks import LockWaits, ddl_notes
from pgscope.analysis.roster import Roster
from pgscope.analysis.snapshot import Link, Snapshot
from pgscope.analysis.statements import Known, StatementRow, Statements, StatementTable
from pgscope.analysis.totals import Totals, TotalsFold
from pgscope.analysis.window import PresenceFold
from pgscope.sample import (
    Connected,
    Disconnected,
    Look,
    Names,
    OwnCost,
    Poll,
    Sample,
    ServerFacts,
    StatementKey,
    StatementTexts,
    Wanted,
)

if TYPE_CHECKING:
    from pgscope.analysis.attribution import Attribution
    from pgscope.analysis.findings import Findings

_NO_INTERVAL = Interval(0.0, 0.0, 0.0, {})
_PUT_OFF = 5.0
"""Seconds after which nothing is put off any more, be there a second poll, or a first, or not."""


class Watch:
    """Feed it samples in order; ask it for a snapshot whenever there is something to show.

    Who runs what, and what is wrong, takes the most and is known from the second poll on: what comes before
    that is gone through for it only then, so that the first picture is there sooner.
    """

    spare = 1000
    """Statements that the server threw out and that are still known, beside as many as it has."""

    def __init__(self, settings: FindingSettings | None = None) -> None:
        self.facts: ServerFacts | None = None
        self._roster = Roster()
        self._settings = settings or FindingSettings()
        self._first: list[Sample] | None = []
        """What was not gone through yet; None from then on."""
        self.locks = LockWaits()
        self.presence = PresenceFold(self._roster)
        self._deltas = StatementDeltas()
        self._totals_fold = TotalsFold(self._roster)
        self.load = Load(roster=self._roster)
        self.load_history = LoadHistory()
        self._users: Mapping[int, str] = {}
        self._databases: Mapping[int, str] = {}
        self.texts = FingerprintBook()
        self.live_statements = LiveStatements(roster=self._roster)
        self._table = StatementTable()
        self._statements = Statements(dict)
        self._touched: set[StatementKey] = set()
        self._interval = _NO_INTERVAL
        self._totals = Totals()
        self._poll: Poll | None = None
        self._cost: OwnCost | None = None
        self._costs = CostFold()
        self._link = Link(False, 0.0, "not connected yet")
        self.window: dict[StatementKey, Counts] = {}
        """What each statement did since the watch began."""
        self.forgotten = NOTHING
        """What statements did that the server has thrown out since, where they were too many to keep."""
        self.seconds = 0.0
        """How long the counters were watched."""
        self._evictions = EvictionWatch(0)
        self._clock = ClockWatch()

    @cached_property
    def _deep(self) -> tuple[Attribution, Findings]:
        from pgscope.analysis.attribution import Attribution
        from pgscope.analysis.findings import Findings

        attribution = Attribution(roster=self._roster)
        findings = Findings(self._settings, attribution.shares, self._roster)
        for sample in self._first or ():
            if self._attributes(sample):
                attribution.feed(sample)
            findings.feed(sample)
        self._first = None
        return attribution, findings

    @property
    def attribution(self) -> Attribution:
        """Who runs what."""
        return self._deep[0]

    @property
    def findings(self) -> Findings:
        """What is wrong."""
        return self._deep[1]

    @property
    def poll(self) -> Poll | None:
        """The last poll."""
        return self._poll

    @property
    def counted(self) -> bool:
        """Whether the server counts statements for us; else `live_statements` has what sessions showed."""
        return self.facts is None or self.facts.counts_statements

    @property
    def known(self) -> Known:
        """Names and texts known so far."""
        return Known(self._users, self._databases, self.texts)

    def every(self, seconds: float) -> None:
        """Work out shares, and search for pairs of statements, each so many seconds only; 0: with each poll.

        For who reads a long recording: it is two thirds of the work, and rests on half a minute or more.
        """
        self.attribution.solve_s = self.findings.search_s = seconds

    def feed(self, sample: Sample) -> None:
        """Take in one sample."""
        if self._first is not None and self._due(sample):
            _ = self._deep
        if isinstance(sample, Poll):
            self._feed_poll(sample)
            return
        if isinstance(sample, Connected):
            self.facts = sample.facts
            self._evictions = EvictionWatch(sample.facts.statements_max)
            self._link = Link(True, sample.at)
            self._costs, self._cost = CostFold(sample.mono), None
            self._deltas.restart()
            self._clock.restart()
            self._totals_fold.restart()
        elif isinstance(sample, Disconnected):
            since = sample.at if self._link.connected or not self._link.since else self._link.since
            self._link = Link(False, since, sample.reason)
        elif isinstance(sample, Names):
            self._users, self._databases = sample.users, sample.databases
        elif isinstance(sample, StatementTexts):
            self.texts.learn(sample.texts)
        elif isinstance(sample, OwnCost):
            self._cost = self._costs.feed(sample)
        elif isinstance(sample, Look) and not self.counted:
            self.live_statements.look(sample)
        if self._first is None:
            if self._attributes(sample):
                self.attribution.feed(sample)
            self.findings.feed(sample)
        else:
            self._first.append(sample)
        self.locks.feed(sample)

    def _attributes(self, sample: Sample) -> bool:
        """Whether it says who runs what; sessions say so only where statements are counted."""
        return self.counted or not isinstance(sample, (Poll, Look))

    def _due(self, sample: Sample) -> bool:
        """Whether what came first must be gone through before this."""
        first = self._poll if self._poll is not None else next(iter(self._first or ()), sample)
        late = sample.mono - first.mono > _PUT_OFF
        return late or (self._poll is not None and isinstance(sample, Poll))

    def _feed_poll(self, poll: Poll) -> None:
        interval = self._deltas.feed(poll)
        if interval is not None:
            # What is counted is not put off: it is observed below, and goes through the rest for that.
            _ = self._deep
        self._clock.feed(poll)
        self._poll = poll
        if not self.counted or not self._deltas.entries:
            self.live_statements.feed(poll)
        self._totals = self._totals_fold.feed(poll, interval, self.texts)
        self.load.feed(poll, self._totals.calls_per_s)
        self.load_history.feed(self.load.newest)
        if self._first is not None:
            self._first.append(poll)
        elif self.counted:
            self.attribution.feed(poll)
        self.locks.feed(poll)
        waiting: Collection[int] = ()
        if self._totals.hidden:
            # Waits that sessions do not show are in pg_locks, which is for everyone.
            waiting = self.locks.forest.waiters()
            self._totals = replace(self._totals, waiting=max(self._totals.waiting, len(waiting)))
        self.presence.feed(poll, waiting)
        if interval is not None:
            self._interval = interval
            self.seconds += interval.seconds
            for key, delta in interval.deltas.items():
                self.window[key] = self.window.get(key, NOTHING).plus(delta)
            self._evictions.feed(interval)
            self.attribution.observe(interval)
            self.findings.feed(poll)
            self.findings.observe(interval)
            if self._table.made:
                self._touched.update(self._deltas.touched)
            self._forget_gone()
            self._statements = Statements(self._make_rows, self._make_working)
        elif self._first is None:
            self.findings.feed(poll)

    def _make_rows(self) -> Mapping[StatementKey, StatementRow]:
        """The rows as of now: who records never asks for them, who seeks only where he arrives."""
        deltas = self._deltas
        touched, self._touched = self._touched, set()
        return self._table.update(
            deltas.entries,
            deltas.arranged,
            touched,
            self._interval,
            self.known,
            self.attribution.shares,
        )

    def _make_working(self) -> Sequence[StatementRow]:
        """The rows, as of now, of those that did something in the last interval."""
        return self._table.working(self._deltas.entries, self._interval, self.known, self.attribution.shares)

    def _forget_gone(self) -> None:
        """Drop texts of entries that are gone, unless the window still counts them."""
        entries = self._deltas.entries
        most = 2 * len(entries) + self.spare
        if len(self._touched) > len(entries):
            self._touched.intersection_update(entries)
        if len(self.attribution) > most:
            self.attribution.forget_all_but(entries.keys())
        if len(self.window) > 3 * most:
            for key in [key for key in self.window if key not in entries]:
                self.forgotten = self.forgotten.plus(self.window.pop(key))
        if len(self.texts) > most:
            keep = {(key.dbid, key.queryid) for key in entries}
            keep |= {(key.dbid, key.queryid) for key in self.window}
            self.texts.forget_all_but(keep)

    def findings_of_watch(self) -> tuple[Finding, ...]:
        """Everything that was found since the watch began, what ended included."""
        return self.findings.history()

    def wants(self) -> tuple[Wanted, ...]:
        """What the analysis wants read, once each."""
        return self.findings.wants() if self._first is None else ()

    def snapshot(self) -> Snapshot:
        """The picture as of the last poll."""
        poll = self._poll
        return Snapshot(
            at=poll.at if poll else 0.0,
            mono=poll.mono if poll else 0.0,
            seconds=self._interval.seconds,
            link=self._link,
            facts=self.facts,
            sessions=poll.sessions if poll else (),
            busy=tuple(self._roster.busy.values()) if poll else (),
            totals=self._totals,
            statements=self._statements,
            live_statements=self.live_statements.statements,
            load=self.load.points,
            locks=self.locks.forest,
            wait_starts=self.locks.starts(),
            ddl=ddl_notes(self._roster.busy.values(), self.locks.forest) if poll else (),
            ended_waits=self.locks.history,
            deadlocks=self.locks.deadlocks,
            findings=self.findings.current(poll.at) if poll and self._first is None else (),
            progress=poll.progress if poll else (),
            cost=self._cost,
            notices=self._notices(),
        )

    def _notices(self) -> tuple[str, ...]:
        notices = []
        if self.facts is not None:
            notices += [f"{one.capability}: {one.consequence}. {one.remedy}" for one in self.facts.missing]
        if self._clock.warning:
            notices.append(self._clock.warning)
        if self._evictions.warning:
            notices.append(self._evictions.warning)
        if self._cost is not None and self._cost.throttled:
            notices.append(self._cost.throttled)
        return tuple(notices)
