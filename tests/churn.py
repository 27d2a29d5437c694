"""A server on which nothing lasts: sessions, applications, statements and lock waits come and go for ever.

Samples without a server, for what must not grow with time; every figure is made up, none is measured.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pgscope.sample import (
    Blocking,
    Connected,
    DatabaseCounters,
    Lock,
    Look,
    Names,
    Odometer,
    Poll,
    Sample,
    ServerFacts,
    Session,
    Sighting,
    StatementCounters,
    StatementsInfo,
    StatementTexts,
)

BEGIN = 1.8e9
FACTS = ServerFacts(
    version_num=180000, version="18.0", host="churn", port=5432, database="shop", user="ops",
    in_recovery=False, started=BEGIN - 9e5, max_connections=100, block_size=8192,
    track_activity_query_size=1024, query_ids=True, statements_version=(1, 12), statements_schema="public",
    statements_max=100, statements_track="top", stat_monitor=False, superuser=False, reads_all_stats=True,
    may_signal=True, own_pids=frozenset({1}),
)  # fmt: skip


def churn(
    seconds: int, *, sessions: int = 12, entries: int = 40, application: int = 30, new_entries: bool = True
) -> Iterator[Sample]:
    """So many seconds, a poll and two looks each. Sessions live ten seconds.

    `application` is how long an application lives, in seconds; `new_entries` says whether statements come
    for ever.
    """
    yield Connected(BEGIN, 0.0, FACTS)
    yield Names(BEGIN, 0.0, {10: "app"}, {5: "shop"})
    alive: deque[tuple[int, float, str]] = deque()
    known: deque[StatementCounters] = deque()
    for second in range(1, seconds + 1):
        at, mono = BEGIN + second, float(second)
        for _ in range(max(sessions // 10, 1)):
            alive.append((1000 + 7 * second % 30000, at - 0.5, f"job-{second // application}-{second % 3}"))
        while len(alive) > sessions:
            alive.popleft()
        if new_entries or second <= entries:
            known.append(_entry(second, at))
        while len(known) > entries:
            known.popleft()
        known = deque(
            one._replace(calls=one.calls + 5, rows=one.rows + 9, total_exec_time=one.total_exec_time + 2.0)
            if place % 3 == second % 3
            else one
            for place, one in enumerate(known)
        )
        texts = {(5, second): f"SELECT column_{second} FROM table_{second % 50} WHERE id = $1"}
        for half in (0.0, 0.5):
            yield _look(at + half - 1, mono + half - 1, alive, known)
        yield _poll(second, at, mono, alive, known)
        yield StatementTexts(at, mono, texts)


def steady(seconds: int) -> Iterator[Poll]:
    """Polls of the churning server in which sessions that did nothing stay the objects they were."""
    known: dict[tuple[int, float], Session] = {}
    for sample in churn(seconds, sessions=15):
        if isinstance(sample, Poll):
            sessions = []
            for place, one in enumerate(sample.sessions):
                kept = known.get(one.identity)
                if kept is None or (place + int(sample.mono)) % 5 == 0 or one.state != "idle":
                    kept = known[one.identity] = one
                sessions.append(kept)
            yield replace(sample, sessions=tuple(sessions))


def _entry(second: int, at: float) -> StatementCounters:
    return StatementCounters(
        10, 5, second, True, 1, 1, 1.0, 2.0, 0.0, 10, 1, 0, 0, 0, 0, 0.0, 0.0, 0, at - 0.5
    )


def _look(
    at: float, mono: float, alive: Sequence[tuple[int, float, str]], known: Sequence[StatementCounters]
) -> Look:
    seen = tuple(
        Sighting(pid, start, 5, 10, name, "idle", "", known[place % len(known)].queryid, at, None, at)
        for place, (pid, start, name) in enumerate(alive)
    )
    read = tuple(
        Odometer(pid, start, int(100 * (at - start)), int(1000 * (at - start)), mono)
        for pid, start, _ in alive
    )
    return Look(at, mono, seen, read)


def _poll(
    second: int,
    at: float,
    mono: float,
    alive: Sequence[tuple[int, float, str]],
    known: Sequence[StatementCounters],
) -> Poll:
    waits = second % 4 < 2 and len(alive) > 2
    made = []
    for place, (pid, start, name) in enumerate(alive):
        waiting = waits and place == 1
        made.append(
            Session(
                pid,
                start,
                5,
                "shop",
                10,
                "app",
                name,
                "10.0.0.1",
                4000 + place,
                "client backend",
                None,
                "active" if waiting else "idle in transaction" if place == 0 else "idle",
                "Lock" if waiting else "Client",
                "transactionid" if waiting else "ClientRead",
                at - 1 if place < 2 else None,
                at - 1,
                at - 1,
                None,
                None,
                known[place % len(known)].queryid,
                f"SELECT column_{second} /* {second} */",
            )
        )
    locks: tuple[Lock, ...] = ()
    blocking: tuple[Blocking, ...] = ()
    if waits:
        locks = tuple(
            Lock(
                alive[place][0], "transactionid", None, None, "", None, None, "", second // 4, None, None,
                None, "", "ExclusiveLock" if place == 0 else "ShareLock", place == 0, False,
                None if place == 0 else at - 0.5,
            )
            for place in (0, 1)
        )  # fmt: skip
        blocking = (Blocking(alive[1][0], (alive[0][0],)),)
    database = DatabaseCounters(
        5, "shop", 100 * second, second, 1000 * second, 9000 * second, 0, second // 60, None
    )
    return Poll(
        at, mono, tuple(made), (database,), tuple(known), StatementsInfo(second // 50, BEGIN), locks, blocking
    )


def sizes(root: object) -> Mapping[str, int]:
    """How many things every container below an object of ours holds, by the path of attributes to it."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    stack: list[tuple[str, object]] = [(type(root).__name__, root)]
    while stack:
        path, one = stack.pop()
        if id(one) in seen or isinstance(one, (str, bytes, int, float, type(None), type)):
            continue
        seen.add(id(one))
        if isinstance(one, Mapping):
            found[path] = found.get(path, 0) + len(one)
            stack += [(f"{path}{{}}", value) for value in (*one.keys(), *one.values())]
        elif isinstance(one, (list, deque, set, frozenset)) or type(one) is tuple:
            if getattr(one, "maxlen", None) is None:
                found[path] = found.get(path, 0) + len(one)
            stack += [(f"{path}[]", value) for value in one]
        elif type(one).__module__.startswith("pgscope"):
            names = [
                *getattr(one, "__dict__", ()),
                *(slot for kind in type(one).__mro__ for slot in getattr(kind, "__slots__", ())),
            ]
            stack += [(f"{path}.{name}", getattr(one, name, None)) for name in names]
    return found
