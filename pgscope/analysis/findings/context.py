"""What all the kinds of findings look at: series, schemas, sightings, tags, runs, names and settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from pgscope.analysis.findings.model import Attribute, FindingSettings, StatementRef
from pgscope.analysis.findings.relation import Schema
from pgscope.analysis.findings.runbook import RunBook
from pgscope.analysis.findings.series import Group, Series
from pgscope.analysis.findings.sightings import Sightings
from pgscope.analysis.findings.tags import TagBook
from pgscope.analysis.findings.trip import Shortest
from pgscope.analysis.roster import Roster
from pgscope.dataclass import dataclass
from pgscope.sample import Poll, ServerFacts, StatementKey

MINE = 0.03
"""A share below this does not make an application a user of a statement."""
SOLE = 0.9
"""A share from which on a statement is said to be one application's."""
OFTEN = 3
"""Sightings from which on their absence elsewhere means something."""
RECENT = 10
"""Windows that rates are taken over."""


@dataclass
class Context:
    """The state that `Findings` folds samples into; the detectors only read it."""

    settings: FindingSettings
    attribute: Attribute | None
    roster: Roster = field(default_factory=Roster)
    series: Series = field(default_factory=Series)
    sightings: Sightings = field(default_factory=Sightings)
    tags: TagBook = field(default_factory=TagBook)
    book: RunBook = field(default_factory=RunBook)
    schemas: dict[int, Schema] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)
    databases: dict[int, str] = field(default_factory=dict)
    facts: ServerFacts | None = None
    poll: Poll | None = None
    poll_trip: Shortest = field(default_factory=Shortest)

    @property
    def round_trip_ms(self) -> float:
        """The shortest round trip of late: of a burst probe's looks, else of whole polls."""
        return self.book.trip.ms or self.poll_trip.ms

    def ref(self, group: Group) -> StatementRef:
        """A group as findings show it."""
        fingerprint = group.shape.fingerprint or group.text
        return StatementRef(group.keys[0].queryid, group.text, tuple(group.keys), fingerprint)

    def applications(self, keys: Sequence[StatementKey]) -> dict[str, float]:
        """Applications that run a statement, with their shares; by attribution, else by sightings."""
        if self.attribute is not None:
            found: dict[str, float] = {}
            for key in keys:
                for share in self.attribute(key):
                    if share.application_name is not None and share.share >= MINE:
                        found[share.application_name] = max(
                            share.share, found.get(share.application_name, 0.0)
                        )
            if found:
                return found
        return _shares(self.sightings.applications(keys))

    def together(self, child: Group, parent: Group) -> tuple[str, ...] | None:
        """Applications that run both; () if not known yet, None if they are known to be others."""
        mine, theirs = self.applications(child.keys), self.applications(parent.keys)
        both = {name: min(mine[name], theirs[name]) for name in mine if name in theirs}
        if both:
            return tuple(sorted(both, key=lambda name: (-both[name], name)))
        seen = self.sightings.applications(child.keys), self.sightings.applications(parent.keys)
        if all(sum(counts.values()) >= OFTEN for counts in seen) and not set(seen[0]) & set(seen[1]):
            return None
        return ()

    def sole(self, group: Group) -> tuple[str, ...]:
        """The application that runs (nearly) all of a statement, if there is one."""
        shares = self.applications(group.keys)
        return tuple(name for name, share in shares.items() if share >= SOLE)

    def rates(self, group: Group) -> tuple[float, float, float, float]:
        """Calls, rows, server ms and blocks read, each second, over the newest windows."""
        newest = self.series.newest
        since = newest - RECENT + 1
        seconds = self.series.length(RECENT) or 1.0
        calls = rows = time = read = 0.0
        for cell in group.cells:
            if cell.window >= since:
                calls += cell.calls
                rows += cell.rows
                time += cell.exec_time
                read += cell.shared_read
        return calls / seconds, rows / seconds, time / seconds, read / seconds

    def session_rate(self, group: Group) -> float:
        """Calls a second of each session that was seen with it, over the newest windows."""
        return self.rates(group)[0] / max(len(self.sightings.sessions(group.keys)), 1)

    def takes_turns(self, group: Group) -> bool:
        """Whether a client was seen to take its turn between executions."""
        return self.book.takes_turns(group.keys, self.session_rate(group))

    def place(self, group: Group) -> tuple[str, str]:
        """Names of the database and role of a group."""
        return self.databases.get(group.dbid, ""), self.users.get(group.userid, "")


def _shares(counts: dict[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}


def names_of(applications: Iterable[str]) -> tuple[str, ...]:
    """Names without doubles, in order."""
    return tuple(dict.fromkeys(applications))
