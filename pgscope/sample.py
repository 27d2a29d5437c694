"""What one look at a server saw, as plain immutable data.

The bottom of the program: `server` makes these, `capture` streams them, `analysis` folds them. Rows that
come in thousands are named tuples, because they are made in bulk and serialise as they are; what holds them
is a frozen dataclass. Every sample says when it was taken on two clocks: `at`, the server's, in seconds since
the epoch (comparable with the server's own timestamps), and `mono`, the client's monotonic clock in seconds
(for intervals, since a server's clock can be stepped).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, TypeAlias

from pgscope.dataclass import dataclass

OWN_MARK = "/* pgscope */"
"""Stands behind the first word of each of pgscope's statements, so that any pgscope knows them: where a role
may not keep them out of pg_stat_statements, they are among those of the server."""
OWN_EXPLAIN = f"EXPLAIN {OWN_MARK}"
"""What EXPLAIN statements of pgscope begin with."""


class Sighting(NamedTuple):
    """What the fast sampler saw of a session that changed since the look before; never its text."""

    pid: int
    backend_start: float
    datid: int
    usesysid: int
    application_name: str
    state: str
    wait_event_type: str
    query_id: int | None
    query_start: float | None
    xact_start: float | None
    state_change: float | None


class Session(NamedTuple):
    """A row of pg_stat_activity, names resolved and text cleaned; times in seconds since the epoch."""

    pid: int
    backend_start: float
    datid: int
    database: str
    usesysid: int
    user: str
    application_name: str
    client_addr: str
    client_port: int | None
    backend_type: str
    leader_pid: int | None
    state: str
    wait_event_type: str
    wait_event: str
    xact_start: float | None
    query_start: float | None
    state_change: float | None
    backend_xid: int | None
    xmin_age: int | None
    """Transactions since the oldest one this session can see (age(backend_xmin))."""
    query_id: int | None
    query: str
    """The current or last statement as the server shows it: at most track_activity_query_size - 1 bytes."""

    @property
    def identity(self) -> tuple[int, float]:
        """Pid and start: what names a backend for good, since pids are used again."""
        return (self.pid, self.backend_start)

    @property
    def is_client(self) -> bool:
        """Whether a client is connected, as against a background or parallel worker, or one still starting.

        A session has neither user, database nor name until it is let in (18 shows it before, as `starting`).
        A role without pg_monitor does not see others' backend_type: what has a database counts as a client.
        """
        return self.datid != 0 and self.backend_type in ("client backend", "")

    @property
    def is_starting(self) -> bool:
        """Whether it is a client that was not let in yet; it takes one of `max_connections` all the same."""
        return self.datid == 0 and self.backend_type == "client backend"

    @property
    def sighting(self) -> Sighting:
        """The session as the sampler sees it."""
        return Sighting(
            self.pid,
            self.backend_start,
            self.datid,
            self.usesysid,
            self.application_name,
            self.state,
            self.wait_event_type,
            self.query_id,
            self.query_start,
            self.xact_start,
            self.state_change,
        )


class StatementKey(NamedTuple):
    """What names an entry of pg_stat_statements."""

    userid: int
    dbid: int
    queryid: int
    toplevel: bool


class StatementCounters(NamedTuple):
    """An entry of pg_stat_statements: counters so far, times in ms, blocks of the server's size."""

    userid: int
    dbid: int
    queryid: int
    toplevel: bool
    calls: int
    rows: int
    total_exec_time: float
    max_exec_time: float
    total_plan_time: float
    shared_blks_hit: int
    shared_blks_read: int
    shared_blks_dirtied: int
    shared_blks_written: int
    temp_blks_read: int
    temp_blks_written: int
    blk_read_time: float
    blk_write_time: float
    wal_bytes: int
    stats_since: float | None
    """When the entry was made, seconds since the epoch; None before PostgreSQL 17."""

    @property
    def key(self) -> StatementKey:
        """The entry's name."""
        return StatementKey._make(self[:4])


class StatementsInfo(NamedTuple):
    """pg_stat_statements_info: evictions so far, and when everything was last reset (epoch seconds)."""

    dealloc: int
    stats_reset: float | None


class DatabaseCounters(NamedTuple):
    """A row of pg_stat_database, for a database that has sessions."""

    datid: int
    database: str
    xact_commit: int
    xact_rollback: int
    blks_read: int
    blks_hit: int
    temp_bytes: int
    deadlocks: int
    stats_reset: float | None


class Lock(NamedTuple):
    """A row of pg_locks that matters to a wait; `waitstart` in seconds since the epoch."""

    pid: int
    """0 for a prepared transaction."""
    locktype: str
    database: int | None
    relation: int | None
    relation_name: str
    """schema.name where it can be known, else ''."""
    page: int | None
    tuple: int | None
    virtualxid: str
    transactionid: int | None
    classid: int | None
    objid: int | None
    objsubid: int | None
    virtualtransaction: str
    """Of a prepared transaction, else ''."""
    mode: str
    granted: bool
    fastpath: bool
    waitstart: float | None
    object_name: str = ""
    """What an object lock is on ('role app'), where it can be known."""


class Blocking(NamedTuple):
    """What pg_blocking_pids said of a session that waits for a lock (0 stands for a prepared transaction)."""

    pid: int
    blocked_by: tuple[int, ...]


class PreparedTransaction(NamedTuple):
    """A row of pg_prepared_xacts; `prepared` in seconds since the epoch."""

    transaction: int
    gid: str
    prepared: float
    owner: str
    database: str


class XminHolder(NamedTuple):
    """What, besides sessions, holds back the oldest visible transaction."""

    kind: str
    """'replication slot', 'prepared transaction' or 'standby'."""
    name: str
    xmin_age: int
    """In transactions."""
    detail: str


class Progress(NamedTuple):
    """A row of a pg_stat_progress_* view; `done` of `total` in the unit named (0 total: not known)."""

    pid: int
    command: str
    phase: str
    relation_name: str
    done: int
    total: int
    unit: str
    detail: str


class Odometer(NamedTuple):
    """Counters of one session: what it did between two looks, whatever was seen in between."""

    pid: int
    backend_start: float
    transactions: int | None
    """The number after the slash in its virtualxid, when it was seen in a transaction."""
    buffers: int | None
    """Shared hits and reads of the session so far (18 and newer)."""
    mono: float
    """When it was read, on the client's monotonic clock: one look reads them several times."""


@dataclass(frozen=True)
class Missing:
    """What this server or role does not give, what that costs, and the statement that mends it."""

    capability: str
    consequence: str
    remedy: str


@dataclass(frozen=True)
class ServerFacts:
    """What pgscope learned about a server when it connected."""

    version_num: int
    version: str
    host: str
    port: int
    database: str
    user: str
    in_recovery: bool
    started: float
    """pg_postmaster_start_time, epoch seconds."""
    max_connections: int
    block_size: int
    track_activity_query_size: int
    query_ids: bool
    """Whether sessions show a query_id."""
    statements_version: tuple[int, int] | None
    """Version of pg_stat_statements in the database connected to; None if it cannot be read."""
    statements_schema: str
    statements_max: int
    statements_track: str
    stat_monitor: bool
    superuser: bool
    reads_all_stats: bool
    may_signal: bool
    """Whether it has pg_signal_backend: it may signal the sessions of all but superusers."""
    settings: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    own_pids: frozenset[int] = frozenset()
    superusers: frozenset[int] = frozenset()
    rights_of: frozenset[int] = frozenset()
    """Oids of the roles that are superusers, and of those whose rights this one has, its own included."""

    @property
    def address(self) -> str:
        """Host and port, as plans that are kept name their server."""
        return f"{self.host or 'local'}:{self.port}"

    @property
    def counts_statements(self) -> bool:
        """Whether the server counts statements where we can read it; else sessions alone tell of them."""
        return self.statements_version is not None and self.query_ids

    @property
    def major(self) -> int:
        """The major version: 14 to 18 and later."""
        return self.version_num // 10000

    @property
    def role(self) -> str:
        """'standby' while in recovery, else 'primary'."""
        return "standby" if self.in_recovery else "primary"


@dataclass(frozen=True)
class Connected:
    """A connection was made, for the first time or again: all counters may have begun anew."""

    at: float
    mono: float
    facts: ServerFacts


@dataclass(frozen=True)
class Disconnected:
    """The server is out of reach; `reason` is one line, cleaned."""

    at: float
    mono: float
    reason: str


@dataclass(frozen=True)
class Poll:
    """The slow poll: sessions in full, and what else was read in the same round trip.

    `statements` is None in polls that did not read the counters; `locks`, `blocking` and `prepared` are
    empty when nobody waits for a lock.
    """

    at: float
    mono: float
    sessions: tuple[Session, ...]
    databases: tuple[DatabaseCounters, ...] = ()
    statements: tuple[StatementCounters, ...] | None = None
    statements_info: StatementsInfo | None = None
    locks: tuple[Lock, ...] = ()
    blocking: tuple[Blocking, ...] = ()
    prepared: tuple[PreparedTransaction, ...] = ()
    xmin_holders: tuple[XminHolder, ...] = ()
    progress: tuple[Progress, ...] = ()
    round_trip_ms: float = 0.0
    """Without the time that the server took."""


@dataclass(frozen=True)
class StatementTexts:
    """Texts of entries not seen before, by (dbid, queryid)."""

    at: float
    mono: float
    texts: Mapping[tuple[int, int], str]


@dataclass(frozen=True)
class Names:
    """Names of roles and databases by oid, sent when one is new or changed."""

    at: float
    mono: float
    users: Mapping[int, str]
    databases: Mapping[int, str]


@dataclass(frozen=True)
class Look:
    """One look of the fast sampler: sessions that changed since the look before, and odometers."""

    at: float
    mono: float
    sightings: tuple[Sighting, ...]
    odometers: tuple[Odometer, ...] = ()
    complete: bool = False
    """Whether every session is in it (the first look), not only those that changed."""


class ApplicationCalls(NamedTuple):
    """A statement's calls by one application in one bucket of pg_stat_monitor."""

    bucket_start: float
    """Epoch seconds."""
    userid: int
    dbid: int
    queryid: int
    toplevel: bool
    application_name: str
    calls: int


@dataclass(frozen=True)
class Monitored:
    """A read of pg_stat_monitor: its recent buckets; one read twice has its later counts."""

    at: float
    mono: float
    rows: tuple[ApplicationCalls, ...]


class ForeignKey(NamedTuple):
    """A foreign key of one database: child columns that refer to parent columns."""

    name: str
    child_schema: str
    child_table: str
    child_columns: tuple[str, ...]
    parent_schema: str
    parent_table: str
    parent_columns: tuple[str, ...]


class TableKey(NamedTuple):
    """A primary key or unique key."""

    schema: str
    table: str
    columns: tuple[str, ...]
    primary: bool


class TableSize(NamedTuple):
    """A table and pg_class's estimate of its rows (-1: never analysed) and its pages."""

    schema: str
    table: str
    reltuples: float
    relpages: int


@dataclass(frozen=True)
class Catalog:
    """What the findings need to know of one database's schema."""

    at: float
    mono: float
    datid: int
    foreign_keys: tuple[ForeignKey, ...]
    keys: tuple[TableKey, ...]
    tables: tuple[TableSize, ...]


class BurstRow(NamedTuple):
    """One look of a burst probe at one session."""

    mono: float
    query_id: int | None
    query_start: float | None
    xact_start: float | None
    state: str


@dataclass(frozen=True)
class Burst:
    """A burst probe: one busy session looked at some 200 times a second for under a second."""

    at: float
    mono: float
    pid: int
    backend_start: float
    datid: int
    usesysid: int
    application_name: str
    rows: tuple[BurstRow, ...]
    round_trip_ms: float = 0.0
    """The shortest of its looks, nearly all of it the wire: what one more statement costs a client."""


@dataclass(frozen=True)
class OwnCost:
    """What pgscope itself cost the server and the wire since the sample before (times in ms)."""

    at: float
    mono: float
    seconds: float
    """Length of the period this covers."""
    server_ms: float
    """Server time of pgscope's own statements, or the round trips' wall time where it is not known."""
    statements: int
    sample_hz: float
    """Looks of the sampler a second, where a poll counts as one."""
    interval: float
    throttled: str = ""
    """Why the rates were lowered, or ''."""
    budget: float = 0.0
    """What it may be, in cores; 0 where that is not known."""

    @property
    def share(self) -> float | None:
        """Part of one core of the server; None while it is not known."""
        return self.server_ms / (self.seconds * 1000.0) if self.seconds > 0 else None


Sample: TypeAlias = (
    Connected | Disconnected | Poll | StatementTexts | Names | Look | Monitored | Catalog | Burst | OwnCost
)


class Mark(NamedTuple):
    """A moment of a recording that is worth jumping to."""

    at: float
    """Epoch seconds by the server's clock."""
    kind: str
    """'finding' or 'lock wait'."""
    label: str
    """A few words on it, without any statement's text."""


class Setting(NamedTuple):
    """A row of pg_settings: the value of new sessions, its unit, and what a change takes (`context`)."""

    value: str
    unit: str
    context: str


@dataclass(frozen=True)
class Checkup:
    """What `pgscope doctor` needs to know of a server's set-up, beside its `ServerFacts`."""

    facts: ServerFacts
    settings: Mapping[str, Setting]
    available_version: str
    """Of pg_stat_statements, where it can be created; '' where it is not installed on the machine."""
    installed_version: str
    """In the database connected to; '' where it was not created."""
    clients: int
    unnamed: int
    """Client sessions without an application_name."""
    hidden: int
    """Client sessions whose activity this role may not see."""


class CatalogWanted(NamedTuple):
    """Analysis asks its owner to read the `Catalog` of a database."""

    datid: int
    database: str


class BurstWanted(NamedTuple):
    """Analysis asks its owner for a `Burst` probe of one session."""

    pid: int
    backend_start: float


Wanted: TypeAlias = CatalogWanted | BurstWanted
