"""Transactions left open, and whatever else keeps dead rows from being removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Cost, Evidence, Finding, Remedy, StatementRef
from pgscope.analysis.shape import shape_of
from pgscope.sample import Poll, Session, XminHolder
from pgscope.text import plural

IDLE_TIMEOUT = "10min"
"""What to have the server end forgotten transactions after: far longer than a program should take."""
BLOCKING_S = 2.0
"""Seconds idle in transaction that are long enough if somebody waits for it."""
MOST_LOCKS = 6


def idle_in_transaction(context: Context, poll: Poll) -> Iterator[Finding]:
    """Sessions that do nothing in an open transaction: too long, or in somebody's way."""
    waiting = _waiting(poll)
    for session in _busy(context, poll):
        if not session.state.startswith("idle in transaction") or session.state_change is None:
            continue
        idle = poll.at - session.state_change
        behind = waiting[session.pid]
        limit = context.settings.of((session.application_name,)).idle_in_transaction_s
        if idle >= limit or (behind and idle >= BLOCKING_S):
            yield _idle(poll, session, idle, behind)


def _busy(context: Context, poll: Poll) -> list[Session]:
    """All that could be found, by pid."""
    context.roster.feed(poll)
    return [session for _, session in sorted(context.roster.busy.items())]


def _waiting(poll: Poll) -> Counter[int]:
    """How many sessions wait behind each, directly or through others."""
    above = {blocking.pid: set(blocking.blocked_by) for blocking in poll.blocking}
    counts: Counter[int] = Counter()
    for pid in above:
        seen: set[int] = set()
        todo = list(above[pid])
        while todo:
            blocker = todo.pop()
            if blocker not in seen and blocker != pid:
                seen.add(blocker)
                todo += above.get(blocker, ())
        counts.update(seen)
    return counts


def _idle(poll: Poll, session: Session, idle: float, behind: int) -> Finding:
    open_s = poll.at - session.xact_start if session.xact_start is not None else idle
    waits = "waits" if behind == 1 else "wait"
    evidence = [
        Evidence(
            "idle",
            f"idle for {idle:,.0f} s in a transaction open for {open_s:,.0f} s",
            {"idle_s": round(idle, 1), "open_s": round(open_s, 1)},
        )
    ]
    locks = [lock for lock in poll.locks if lock.pid == session.pid and lock.granted and lock.relation]
    if locks:
        named = ", ".join(
            f"{lock.mode} on {lock.relation_name or lock.relation}" for lock in locks[:MOST_LOCKS]
        )
        more = f" and {len(locks) - MOST_LOCKS} more" if len(locks) > MOST_LOCKS else ""
        evidence.append(Evidence("locks", f"holds {named}{more}", {"locks": len(locks)}))
    if session.backend_xid is not None:
        evidence.append(Evidence("writes", "has written: the rows it changed stay locked until it ends"))
    if session.xmin_age is not None:
        evidence.append(
            Evidence(
                "xmin",
                f"holds back the removal of dead rows of the last {session.xmin_age:,} transactions",
                {"xmin_age": session.xmin_age},
            )
        )
    if behind:
        evidence.append(
            Evidence(
                "blocks",
                f"{plural(behind, 'session')} {waits} behind it",
                {"waiting": behind},
            )
        )
    return Finding(
        "idle_in_transaction",
        "confirmed"
        if behind or session.backend_xid is not None or session.xmin_age is not None
        else "likely",
        (session.application_name,),
        session.database,
        session.user,
        f"pid {session.pid} idle for {idle:,.0f} s in a transaction"
        + (f", {behind} {waits} behind it" if behind else ""),
        _last(session),
        None,
        tuple(evidence),
        Cost(held_s=open_s, waiting=behind, xmin_age=session.xmin_age or 0, sessions=1),
        Remedy(
            "Commit or roll back before the program does other work; "
            "if nobody will end this one, end its session",
            (
                ("server", f"ALTER SYSTEM SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'"),
                ("SQLAlchemy", "close the session, or commit, before calling other services"),
                ("Django", "keep slow work out of transaction.atomic() and of ATOMIC_REQUESTS views"),
            ),
            f"SELECT pg_terminate_backend({session.pid})",
        ),
        datid=session.datid,
        usesysid=session.usesysid,
        pids=(session.pid,),
    )


def _last(session: Session) -> StatementRef | None:
    if not session.query:
        return None
    return StatementRef(session.query_id, session.query, (), shape_of(session.query).fingerprint)


def xmin_held(context: Context, poll: Poll) -> Iterator[Finding]:
    """Slots, prepared transactions, standbys and long snapshots that hold back the removal of dead rows."""
    limit = context.settings.thresholds.xmin_age
    for holder in poll.xmin_holders:
        if holder.xmin_age >= limit:
            yield _holder(holder)
    for session in _busy(context, poll):
        if session.state.startswith("idle in transaction") or not session.is_client:
            continue
        if session.xmin_age is not None and session.xmin_age >= limit:
            yield _snapshot(poll, session)


_ENDS = {
    "replication slot": "SELECT pg_drop_replication_slot({name})",
    "prepared transaction": "ROLLBACK PREPARED {name}",
}


def _holder(holder: XminHolder) -> Finding:
    quoted = "'" + holder.name.replace("'", "''") + "'"
    advice = {
        "replication slot": "Let its consumer catch up, or drop the slot if nobody will come back for it",
        "prepared transaction": "Commit it or roll it back: nobody else will",
        "standby": "Look for long queries on the standby, or set hot_standby_feedback = off there",
    }[holder.kind]
    return Finding(
        "xmin_held",
        "confirmed",
        (holder.name,) if holder.kind == "standby" else (),
        "",
        holder.name,
        f"{holder.kind} {holder.name} holds back dead rows of {holder.xmin_age:,} transactions",
        None,
        None,
        (Evidence("xmin", f"{holder.kind} {holder.name} ({holder.detail})", {"xmin_age": holder.xmin_age}),),
        Cost(xmin_age=holder.xmin_age),
        Remedy(advice, (), _ENDS.get(holder.kind, "").format(name=quoted)),
    )


def _snapshot(poll: Poll, session: Session) -> Finding:
    age = session.xmin_age or 0
    open_s = poll.at - session.xact_start if session.xact_start is not None else 0.0
    return Finding(
        "xmin_held",
        "confirmed",
        (session.application_name,),
        session.database,
        session.user,
        f"pid {session.pid} has an old snapshot: dead rows of {age:,} transactions stay",
        _last(session),
        None,
        (Evidence("xmin", f"a transaction open for {open_s:,.0f} s", {"xmin_age": age}),),
        Cost(xmin_age=age, held_s=open_s, sessions=1),
        Remedy("Split the work, or run it on a standby", (), f"SELECT pg_cancel_backend({session.pid})"),
        datid=session.datid,
        usesysid=session.usesysid,
        pids=(session.pid,),
    )
