"""What a face shows at one moment: everything, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pgscope.analysis.attribution import Share
from pgscope.analysis.findings import Finding
from pgscope.analysis.groups import Group, groups
from pgscope.analysis.live_statements import LiveStatement
from pgscope.analysis.load import LoadPoint
from pgscope.analysis.locks import DdlNote, Deadlock, LockForest, WaitRecord
from pgscope.analysis.statements import Statements
from pgscope.analysis.totals import Totals
from pgscope.dataclass import dataclass
from pgscope.sample import OwnCost, Progress, ServerFacts, Session, StatementKey


@dataclass(frozen=True)
class Link:
    """Whether the server is in reach, since when (epoch seconds), and why not."""

    connected: bool
    since: float
    reason: str = ""

    @property
    def cause(self) -> str:
        """The reason without what stands in front of it: where it was that we wanted to connect to."""
        _, failed, cause = self.reason.rpartition("failed: ")
        if not failed and self.reason.startswith("cannot connect to "):
            cause = self.reason.partition(": ")[2]
        return cause or self.reason


@dataclass(frozen=True)
class Snapshot:
    """The whole picture as of one poll; `at` is the server's clock in epoch seconds."""

    at: float
    mono: float
    seconds: float
    """Length of the interval that rates are of; 0 while nothing is known."""
    link: Link
    facts: ServerFacts | None = None
    sessions: tuple[Session, ...] = ()
    busy: tuple[Session, ...] | None = None
    """Those of them that are not simply idle; None if nobody knows."""
    totals: Totals = field(default_factory=Totals)
    statements: Statements = field(default_factory=lambda: Statements(dict))
    live_statements: tuple[LiveStatement, ...] = ()
    """What sessions were seen running, where pg_stat_statements cannot be read."""
    load: tuple[LoadPoint, ...] = ()
    locks: LockForest = field(default_factory=lambda: LockForest(0.0))
    wait_starts: Mapping[int, float] = field(default_factory=dict)
    """When the wait of each waiting backend began, by pid (epoch seconds)."""
    ddl: tuple[DdlNote, ...] = ()
    """What each DDL at work shuts out, those that hold up the most first."""
    ended_waits: tuple[WaitRecord, ...] = ()
    deadlocks: tuple[Deadlock, ...] = ()
    findings: tuple[Finding, ...] = ()
    progress: tuple[Progress, ...] = ()
    cost: OwnCost | None = None
    notices: tuple[str, ...] = ()
    """What is missing or wrong, one line each, worst first."""

    def groups(self, by: str = "application", *, own: bool = False) -> tuple[Group, ...]:
        """The rows of the Applications view."""
        waiting = self.locks.waiters() if self.totals.hidden else ()
        return groups(
            self.sessions,
            self.at,
            self.load,
            self.statements.working,
            by,
            own=own,
            waiting=waiting,
            busy=self.busy,
        )

    def shares(self, key: StatementKey) -> tuple[Share, ...]:
        """Whose a statement is."""
        row = self.statements.get(key)
        return row.shares if row is not None else ()
