"""Reading who waits for which lock and who holds it: one statement, run only while someone waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pgscope.dataclass import dataclass
from pgscope.sample import Blocking, Lock, PreparedTransaction, Session
from pgscope.server.batch import Batch, Statement
from pgscope.server.decode import name
from pgscope.server.objects import ObjectNames, Thing
from pgscope.server.queries import query

_ASKED_EACH = 8
"""Waiters for one object in one mode whose pg_blocking_pids are asked."""
_ASKED_MOST = 200
"""Waiters whose pg_blocking_pids are asked in one look."""
_RELATION_LOCKS = ("relation", "extend", "page", "tuple")


@dataclass(frozen=True)
class LockRead:
    """What one look at the locks gave; empty if nobody waited any more."""

    locks: tuple[Lock, ...] = ()
    blocking: tuple[Blocking, ...] = ()
    prepared: tuple[PreparedTransaction, ...] = ()


def someone_waits(sessions: Iterable[Session], *, reads_all_stats: bool = True) -> bool:
    """Whether the locks are worth reading: a session waits for one, or may do so unseen.

    Without pg_read_all_stats the waits of others are hidden, while pg_locks shows them to everyone.
    """
    if not reads_all_stats:
        return True
    return any(session.wait_event_type == "Lock" for session in sessions)


def statements() -> list[Statement]:
    """The statements of one look, for a batch; `decode` reads what comes back."""
    limits = {"each": _ASKED_EACH, "most": _ASKED_MOST}
    return [
        Statement("locks", query("locks", 14), limits),
        Statement("prepared", query("prepared", 14)),
    ]


def wanted_names(found: Batch) -> list[Thing]:
    """The relations and objects among the locks read, to be named."""
    things = []
    for row in found.rows.get("locks", ()):
        database, relation, classid, objid = row[2], row[3], row[8], row[9]
        if relation:
            things.append(Thing(database or 0, 0, relation))
        elif name(row[1]) == "object" and classid and objid:
            things.append(Thing(database or 0, classid, objid))
    return things


def decode(found: Batch, names: ObjectNames) -> LockRead:
    """Rows to samples, with the names known by now."""
    rows = found.rows.get("locks", ())
    prepared = tuple(
        PreparedTransaction(xid, name(gid), since, name(owner), name(database))
        for xid, gid, since, owner, database in found.rows.get("prepared", ())
    )
    return LockRead(tuple(_lock(row, names) for row in rows), _blocking(rows), prepared)


def _lock(row: tuple[Any, ...], names: ObjectNames) -> Lock:
    (pid, locktype, database, relation, page, tuple_, virtualxid, xid, classid, objid, objsubid) = row[:11]
    transaction, mode, granted, fastpath, waitstart = row[11:16]
    kind = name(locktype)
    return Lock(
        pid,
        kind,
        database,
        relation,
        names.relation(database, relation) if kind in _RELATION_LOCKS else "",
        page,
        tuple_,
        name(virtualxid),
        xid,
        classid,
        objid,
        objsubid,
        name(transaction),
        name(mode),
        granted,
        fastpath,
        waitstart,
        names.other(database, classid, objid) if kind == "object" else "",
    )


def _blocking(rows: Sequence[tuple[Any, ...]]) -> tuple[Blocking, ...]:
    # A pid comes twice where several parallel workers of one leader block.
    return tuple(Blocking(row[0], tuple(dict.fromkeys(row[16]))) for row in rows if row[16] is not None)
