"""The fold: samples and intervals in, findings and wishes out."""

from __future__ import annotations

from pgscope.analysis.counters import Interval
from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.idle import idle_in_transaction, xmin_held
from pgscope.analysis.findings.loops import loops
from pgscope.analysis.findings.model import Attribute, Finding, FindingSettings
from pgscope.analysis.findings.nplusone import from_pair, from_walk
from pgscope.analysis.findings.overfetch import overfetch
from pgscope.analysis.findings.pairs import Pair, PairSearch
from pgscope.analysis.findings.register import Identity, Register, identity
from pgscope.analysis.findings.relation import Schema
from pgscope.analysis.findings.slow import slow_statements
from pgscope.analysis.findings.unnamed import no_application_name
from pgscope.analysis.findings.walk import Walk, Walks
from pgscope.analysis.findings.wishes import Wishes
from pgscope.analysis.roster import Roster
from pgscope.sample import (
    Burst,
    Catalog,
    Connected,
    Look,
    Names,
    Poll,
    Sample,
    StatementTexts,
    Wanted,
)

PASSES = 2
"""Windows in a row in which a pair must hold before it is shown."""
RATED = 3
"""Windows in a row in which rows or time must be above a threshold."""
GRACE = 20.0
"""Seconds that a pair may fail to be proved anew before it counts as ended."""
_SERIES_KINDS = {"n_plus_one", "row_by_row_writes", "lookup_loop"}
_RATE_KINDS = {"overfetch", "slow_statement"}
_SESSION_KINDS = {"idle_in_transaction", "xmin_held", "no_application_name"}
_SESSION_GRACE = 2.5
"""Seconds; a session that ends its transaction is no finding any more."""


class Findings:
    """Feed it every sample and every interval of statement deltas; read `current` and `wants`.

    `attribute` says who ran a statement (attribution's shares); without it the sightings must do.
    """

    def __init__(
        self,
        settings: FindingSettings | None = None,
        attribute: Attribute | None = None,
        roster: Roster | None = None,
    ) -> None:
        self._context = Context(settings or FindingSettings(), attribute, roster or Roster())
        self._search = PairSearch(self._context)
        self._register = Register()
        self._wishes = Wishes(self._context)
        self._pairs: list[Pair] = []
        self._walks = Walks(self._context)
        self._walked: list[Walk] = []
        """Walks that were over since the last search."""
        self._told: set[Identity] = set()
        self.search_s = 0.0
        """Seconds from one search for pairs to the next, at the least: most of what finding takes. What it
        rests on reaches back half a minute, so a few seconds miss nothing, and see it that much later."""
        self._searched = float("-inf")

    @property
    def settings(self) -> FindingSettings:
        """What is ignored, and the thresholds; may be replaced at any time."""
        return self._context.settings

    @settings.setter
    def settings(self, settings: FindingSettings) -> None:
        self._context.settings = settings
        self._told = set()

    def parse_at_most(self, entries: int) -> None:
        """Parse so many statements that are new in each window, the busiest first; the others wait."""
        self._context.series.parses = entries

    def feed(self, sample: Sample) -> None:
        """Take a sample of any kind."""
        context = self._context
        if isinstance(sample, Look):
            context.sightings.look(sample)
        elif isinstance(sample, Poll):
            self._poll(sample)
        elif isinstance(sample, StatementTexts):
            context.series.learn(sample.texts)
        elif isinstance(sample, Names):
            context.users.update(sample.users)
            context.databases.update(sample.databases)
        elif isinstance(sample, Catalog):
            context.schemas[sample.datid] = Schema(sample)
        elif isinstance(sample, Burst):
            context.book.feed(sample)
        elif isinstance(sample, Connected):
            context.facts = sample.facts
            context.series.restart()
            context.poll_trip.forget()
            context.book.trip.forget()
            self._forget_walks()

    def observe(self, interval: Interval) -> None:
        """Take what the statements did between two polls; about a second each, or longer."""
        if interval.seconds <= 0:
            self._forget_walks()
        if not self._context.series.observe(interval):
            return
        context, at = self._context, interval.at
        rated = [*overfetch(context), *slow_statements(context)]
        self._register.update(at, rated, passes=RATED, grace_s=GRACE, kinds=_RATE_KINDS)
        self._walked += self._walks.window()
        if interval.mono - self._searched >= self.search_s:
            self._searched = interval.mono
            self._search_pairs(at)
            self._wishes.consider(interval.mono, self._pairs)

    def _forget_walks(self) -> None:
        """Counters began anew."""
        self._walks.clear()
        self._walked.clear()

    def _search_pairs(self, at: float) -> None:
        incumbents = {(id(pair.child), id(pair.parent)) for pair in self._pairs}
        self._pairs = self._search.find(incumbents)
        context = self._context
        drafts: list[Finding] = []
        explained = self._explained()
        for pair in self._pairs:
            finding = from_pair(context, pair)
            if finding is not None:
                drafts.append(finding)
                explained.add(id(pair.child))
        walked, self._walked = self._walked, []
        for walk in walked:
            finding = from_walk(context, walk)
            if finding is not None:
                drafts.append(finding)
                explained.add(id(walk.child))
        drafts = [*drafts, *loops(context, explained)]
        self._register.update(at, drafts, passes=PASSES, grace_s=GRACE, kinds=_SERIES_KINDS)

    def _explained(self) -> set[int]:
        """Groups (by id) that a finding with a parent is about, even if this window did not prove it anew."""
        series = self._context.series
        groups = {
            id(series.group_of(key))
            for finding in self._register.lasting()
            if finding.parent is not None and finding.statement is not None
            for key in finding.statement.keys
        }
        return groups - {id(None)}

    def current(self, at: float) -> tuple[Finding, ...]:
        """What was found and lasts, or ended a short while ago; worst cost first, what ended last."""
        kept = self._register.shown(at, self._context.settings.keep_s)
        # What was shown stays until it has ended, and is seen to: it may fall below a threshold before.
        shown = [
            finding
            for finding in kept
            if self._passes(finding) or (identity(finding) in self._told and self._wanted(finding))
        ]
        self._told = {identity(finding) for finding in shown}
        shown.sort(key=lambda finding: (finding.ended, -finding.cost.weight, finding.first_seen))
        return tuple(shown)

    def history(self) -> tuple[Finding, ...]:
        """Everything that was shown since the start, what ended included, oldest first."""
        return tuple(finding for finding in self._register.history() if self._passes(finding))

    def wants(self) -> tuple[Wanted, ...]:
        """What the owner should read for it now; each wish is told once and again only after a while."""
        return self._wishes.take()

    def _wanted(self, finding: Finding) -> bool:
        settings = self._context.settings
        return finding.kind not in settings.kinds_off and finding.fingerprint not in settings.ignored

    def _passes(self, finding: Finding) -> bool:
        settings = self._context.settings
        if not self._wanted(finding):
            return False
        if finding.kind not in ("n_plus_one", "row_by_row_writes", "lookup_loop"):
            return True
        thresholds = settings.of(finding.application_names)
        return (
            finding.cost.calls_per_s >= thresholds.calls_per_s or finding.ended
        ) and finding.cost.client_wait_ms_per_s >= thresholds.client_wait_ms_per_s

    def _poll(self, poll: Poll) -> None:
        context = self._context
        context.poll = poll
        context.roster.feed(poll)
        context.sightings.poll(poll, context.roster)
        context.tags.read(context.roster.changed)
        for session in context.roster.changed:
            if session.database:
                context.databases[session.datid] = session.database
            if session.user:
                context.users[session.usesysid] = session.user
        open_now = [
            *idle_in_transaction(context, poll),
            *xmin_held(context, poll),
            *no_application_name(context, poll),
        ]
        self._register.update(poll.at, open_now, passes=2, grace_s=_SESSION_GRACE, kinds=_SESSION_KINDS)
        context.poll_trip.note(poll.round_trip_ms, poll.mono)
