"""A server that stands still, for pictures: the same samples every time, and then nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pgscope.capture.source import Emit
from pgscope.sample import (
    Blocking,
    Connected,
    DatabaseCounters,
    Lock,
    Poll,
    Progress,
    Sample,
    ServerFacts,
    Session,
    Wanted,
)

AT = 1_700_000_000.0


class FrozenSource:
    """Emits its samples once."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.interval = 1.0
        self.resting = False
        self._samples = samples

    async def run(self, emit: Emit) -> None:
        for sample in self._samples:
            emit(sample)
        await asyncio.Event().wait()

    def request(self, wanted: Wanted) -> None:
        pass


FACTS = ServerFacts(
    version_num=180000,
    version="18.0",
    host="db1",
    port=5432,
    database="shop",
    user="oncall",
    in_recovery=False,
    started=AT - 86_400.0,
    max_connections=100,
    block_size=8192,
    track_activity_query_size=1024,
    query_ids=True,
    statements_version=(1, 12),
    statements_schema="public",
    statements_max=5000,
    statements_track="top",
    stat_monitor=False,
    superuser=False,
    reads_all_stats=True,
    may_signal=True,
    settings={"deadlock_timeout": "1s"},
)


def session(
    pid: int, application: str, state: str, query: str, *, since: float, xact: float, waits: bool = False
) -> Session:
    """A session whose statement began `since` seconds ago in a transaction `xact` seconds old."""
    return Session(
        pid,
        AT - 3600.0,
        1,
        "shop",
        10,
        "app",
        application,
        "10.0.0.7",
        5000,
        "client backend",
        None,
        state,
        "Lock" if waits else "Client",
        "relation" if waits else "ClientRead",
        AT - xact,
        AT - since,
        AT - since,
        None,
        None,
        None,
        query,
    )


def lock(pid: int, mode: str, *, waiting: float | None = None, tuple_: int | None = None) -> Lock:
    """A lock on the table `orders`, or on a row of it; not granted for `waiting` seconds."""
    return Lock(
        pid,
        "relation" if tuple_ is None else "tuple",
        1,
        16_384,
        "public.orders",
        None if tuple_ is None else 0,
        tuple_,
        "",
        None,
        None,
        None,
        None,
        "",
        mode,
        waiting is None,
        False,
        None if waiting is None else AT - waiting,
    )


BILLING = session(
    7101,
    "billing",
    "idle in transaction",
    "UPDATE orders SET state = 'paid' WHERE id = $1",
    since=182.0,
    xact=184.0,
)
MIGRATE = session(
    7102, "migrate", "active", "ALTER TABLE orders ADD COLUMN note text", since=41.0, xact=41.0, waits=True
)
WEB = [
    session(
        7110 + n,
        f"storefront-{n}",
        "active",
        f"SELECT * FROM orders WHERE customer_id = {n} ORDER BY created_at DESC",
        since=40.0 - n,
        xact=40.0 - n,
        waits=True,
    )
    for n in range(5)
]
FIRST = session(7201, "stock", "active", "UPDATE stock SET n = 1", since=0.4, xact=9.0, waits=True)
SECOND = session(7202, "returns", "active", "UPDATE stock SET n = 2", since=0.3, xact=8.0, waits=True)
INDEX = session(7301, "nightly", "active", "CREATE INDEX ON items (name)", since=75.0, xact=75.0)


def poll(at: float, sessions: Sequence[Session], **parts: object) -> Poll:
    """A poll `at` seconds from the end; what else it read is given by name."""
    counters = (DatabaseCounters(1, "shop", 100, 0, 5, 995, 0, 0, None),)
    return Poll(AT + at, 1000.0 + at, tuple(sessions), databases=counters, **parts)  # type: ignore[arg-type]


def jam() -> list[Sample]:
    """A reader's wait that ended, then a queue behind a migration, a deadlock, and an index being built."""
    late = session(7009, "cron", "active", "TRUNCATE orders", since=300.0, xact=300.0, waits=True)
    before = poll(
        -60.0,
        [BILLING, late],
        locks=(lock(7101, "RowExclusiveLock"), lock(7009, "AccessExclusiveLock", waiting=200.0)),
        blocking=(Blocking(7009, (7101,)),),
    )
    now = poll(
        0.0,
        [BILLING, MIGRATE, *WEB, FIRST, SECOND, INDEX],
        locks=(
            lock(7101, "RowExclusiveLock"),
            lock(7102, "AccessExclusiveLock", waiting=41.0),
            *(lock(one.pid, "AccessShareLock", waiting=40.0 - n) for n, one in enumerate(WEB)),
            lock(7202, "ExclusiveLock", tuple_=1),
            lock(7201, "ExclusiveLock", tuple_=1, waiting=0.4),
            lock(7201, "ExclusiveLock", tuple_=2),
            lock(7202, "ExclusiveLock", tuple_=2, waiting=0.3),
        ),
        blocking=(
            Blocking(7102, (7101,)),
            *(Blocking(one.pid, (7102,)) for one in WEB),
            Blocking(7201, (7202,)),
            Blocking(7202, (7201,)),
        ),
        progress=(
            Progress(
                7301,
                "CREATE INDEX",
                "building index: scanning table",
                "public.items",
                4_512,
                10_000,
                "blocks",
                "",
            ),
        ),
    )
    return [Connected(AT - 61.0, 939.0, FACTS), before, now]


def calm() -> list[Sample]:
    """Nobody waits."""
    return [Connected(AT - 1.0, 999.0, FACTS), poll(0.0, [BILLING])]
