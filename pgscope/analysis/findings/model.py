"""What a finding is: kind, grade, evidence, cost and remedy; and the settings that people give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol, TypeAlias

from pgscope.dataclass import dataclass
from pgscope.sample import StatementKey

KINDS = (
    "n_plus_one",
    "row_by_row_writes",
    "overfetch",
    "lookup_loop",
    "idle_in_transaction",
    "xmin_held",
    "no_application_name",
    "slow_statement",
)

GRADES = ("", "likely", "confirmed")
"""From weakest to strongest."""


class Share(Protocol):
    """An application's share of a statement, as attribution gives it (0 to 1)."""

    @property
    def application_name(self) -> str | None:
        """None for what no application was seen to run."""

    @property
    def share(self) -> float:
        """The best estimate."""


Attribute: TypeAlias = Callable[[StatementKey], Sequence[Share]]
"""Who ran a statement."""


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for a finding, in words and in numbers."""

    kind: str
    """'conservation', 'run', 'sequence', 'foreign key', 'tag', 'session', 'application', 'shape', ..."""
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StatementRef:
    """A statement that a finding is about; `keys` are all the entries that were merged into it."""

    queryid: int | None
    query: str
    keys: tuple[StatementKey, ...] = ()
    fingerprint: str = ""
    """Of the text, without constants: the same on every server, so an ignored one stays ignored."""


@dataclass(frozen=True)
class Cost:
    """What a finding costs, each second unless the name says otherwise."""

    calls_per_s: float = 0.0
    server_ms_per_s: float = 0.0
    avoidable_round_trips_per_s: float = 0.0
    round_trip_ms: float = 0.0
    """The shortest round trip that pgscope itself measured of late: a floor for what a client pays."""
    client_wait_ms_per_s: float = 0.0
    """Time that clients wait for what could be avoided: round trips and server time."""
    rows_per_s: float = 0.0
    blocks_read_per_s: float = 0.0
    sessions: int = 0
    waiting: int = 0
    """Sessions that wait behind it."""
    held_s: float = 0.0
    """How long a transaction has been open, in seconds."""
    xmin_age: int = 0
    """Transactions whose dead rows cannot be removed."""

    @property
    def weight(self) -> float:
        """For the order of findings, in ms of somebody's time each second."""
        return (
            max(self.client_wait_ms_per_s, self.server_ms_per_s)
            + 1000.0 * self.waiting
            + min(self.held_s, 3600.0) / 10.0
            + min(self.xmin_age, 10_000_000) / 10_000.0
        )


@dataclass(frozen=True)
class Remedy:
    """What to do: one line of plain words, lines by ORM, and SQL where there is one."""

    summary: str
    lines: tuple[tuple[str, str], ...] = ()
    """Pairs of (ORM or program, what to write there)."""
    sql: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that a program does to the database, with its proof and its price."""

    kind: str
    grade: str
    """'confirmed', 'likely' or ''."""
    application_names: tuple[str, ...]
    database: str
    user: str
    summary: str
    """One line: what is the matter."""
    statement: StatementRef | None
    parent: StatementRef | None
    evidence: tuple[Evidence, ...]
    cost: Cost
    remedy: Remedy
    points: tuple[tuple[float, float], ...] = ()
    """Parent rows and child calls of each window, for the plot."""
    first_seen: float = 0.0
    last_seen: float = 0.0
    ended: bool = False
    datid: int = 0
    usesysid: int = 0
    pids: tuple[int, ...] = ()
    """Sessions concerned, where the finding is of sessions."""
    at_once: bool = False
    """Proved so well that it is shown without waiting for a second window."""
    relationship: str = ""
    """'choice.question_id', the column that ties child to parent, where it is known."""

    @property
    def fingerprint(self) -> str:
        """What names it across servers and restarts, for the list of those to ignore."""
        import hashlib  # when it is first needed

        parts = [self.kind]
        for ref in (self.statement, self.parent):
            parts.append("" if ref is None else ref.fingerprint)
        if self.statement is None:
            parts += [self.database, self.user, *self.application_names]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True)
class Thresholds:
    """From when on a finding is shown; all may differ by application."""

    calls_per_s: float = 0.2
    """Child calls, writes or look-ups each second, averaged over the last ten windows of about a second."""
    client_wait_ms_per_s: float = 0.0
    overfetch_rows: float = 500.0
    """Rows a call."""
    idle_in_transaction_s: float = 30.0
    xmin_age: int = 100_000
    """Transactions held back by a session, slot, standby or prepared transaction."""
    slow_ms: float = 500.0
    """Mean time a call."""
    slow_share: float = 0.25
    """Of all time spent in statements, or of all blocks read."""


@dataclass(frozen=True)
class FindingSettings:
    """What a person set: what to ignore, and thresholds, for all and by application."""

    ignored: frozenset[str] = frozenset()
    """Fingerprints of findings (`Finding.fingerprint`)."""
    kinds_off: frozenset[str] = frozenset()
    thresholds: Thresholds = Thresholds()
    by_application: Mapping[str, Thresholds] = field(default_factory=dict)
    keep_s: float = 120.0
    """How long a finding that ended stays in the list, in seconds."""

    @property
    def least_slow_ms(self) -> float:
        """From how much a call on a statement can be slow, for some application."""
        return min(one.slow_ms for one in (self.thresholds, *self.by_application.values()))

    @property
    def least_overfetch_rows(self) -> float:
        """From how many rows a call on a statement can be an overfetch, for some application."""
        return min(one.overfetch_rows for one in (self.thresholds, *self.by_application.values()))

    def of(self, applications: Sequence[str]) -> Thresholds:
        """The thresholds for a finding of these applications: the first that has its own."""
        for name in applications:
            if name in self.by_application:
                return self.by_application[name]
        return self.thresholds
