"""A sentence for each DDL at work: what its lock shuts out, who queues behind it, what it waits for."""

from __future__ import annotations

from collections.abc import Iterable

from pgscope.analysis.locks.conflicts import strength
from pgscope.analysis.locks.ddl import Ddl, command_of, ddl_of, meaning, wraparound
from pgscope.analysis.locks.forest import LockForest, LockNode
from pgscope.analysis.locks.objects import describe
from pgscope.analysis.locks.tablelock import TableLock
from pgscope.dataclass import dataclass
from pgscope.sample import Session


@dataclass(frozen=True)
class DdlNote:
    """What a session's DDL does to the others."""

    pid: int
    title: str
    """'ALTER TABLE orders'"""
    mode: str
    """The table lock it waits for or takes, as pg_locks names it."""
    waiting: bool
    behind: int
    """Sessions that wait because of it."""
    behind_seconds: float
    """How long the first of them has waited."""
    blocker: int | None
    """Pid of the one that it waits for, 0 for a prepared transaction."""
    sentence: str


def ddl_notes(sessions: Iterable[Session], forest: LockForest) -> tuple[DdlNote, ...]:
    """The notes of a poll, those that hold up the most sessions first.

    `sessions` are those of the poll, or those of them that are not idle; `forest` is that of the same poll.
    """
    notes = []
    for session in sessions:
        if session.state == "active" or session.backend_type == "autovacuum worker":
            statements = ddl_of(session.query) or _cut_off(session, forest)
            if statements:
                notes.append(_note(session, statements, forest))
    return tuple(sorted(notes, key=lambda note: (-note.behind, not note.waiting, note.pid)))


def _cut_off(session: Session, forest: LockForest) -> tuple[Ddl, ...]:
    """A DDL whose text does not parse, as pg_locks tells of it while it waits for a table."""
    node = forest.node(session.pid)
    command = command_of(session.query)
    if not command or node is None or node.wait is None or node.wait.lock.locktype != "relation":
        return ()
    name = node.wait.lock.relation_name
    return (Ddl(command + " on", name, (TableLock(name, node.wait.lock.mode),)),)


def _note(session: Session, statements: tuple[Ddl, ...], forest: LockForest) -> DdlNote:
    node = forest.node(session.pid)
    ddl, mode = _now(statements, node)
    behind = forest.under(session.pid) if node is not None else ()
    waits = [wait for other in behind for wait in other.waits if wait.lock.waitstart is not None]
    first = min((wait.lock.waitstart for wait in waits if wait.lock.waitstart), default=forest.at)
    seconds = max(forest.at - first, 0.0)
    parts = [f"{ddl.title}: {meaning(mode)}"]
    if behind:
        many = "1 session" if len(behind) == 1 else f"{len(behind)} sessions"
        parts.append(f"{many} behind it for {span(seconds)}")
    blocker = None
    if node is not None and node.wait is not None:
        blocker = (
            next(iter(node.hard_blockers + node.soft_blockers), None) if node.parent is None else node.parent
        )
        parts.append(_waits_for(node, blocker, forest))
    elif session.query_start is not None:
        parts.append(f"running for {span(max(forest.at - session.query_start, 0.0))}")
    if wraparound(session.query):
        parts.append("it prevents wraparound and does not give way to others")
    waiting = node is not None and bool(node.waits)
    pid = None if blocker is None else max(blocker, 0)
    return DdlNote(session.pid, ddl.title, mode, waiting, len(behind), seconds, pid, "; ".join(parts))


def _now(statements: tuple[Ddl, ...], node: LockNode | None) -> tuple[Ddl, str]:
    """Which statement of a text is running, and its lock: by pg_locks as far as that tells."""
    strongest = max(statements, key=lambda ddl: strength(ddl.mode))
    if node is None or node.wait is None or node.wait.lock.locktype != "relation":
        return strongest, strongest.mode
    wanted = node.wait.lock
    table = wanted.relation_name.rpartition(".")[2]
    for ddl in statements:
        for lock in ddl.locks:
            if lock.mode == wanted.mode and lock.relation.rpartition(".")[2] in (table, ""):
                return ddl, wanted.mode
    return strongest, wanted.mode


def _waits_for(node: LockNode, blocker: int | None, forest: LockForest) -> str:
    wait = node.wait
    thing = describe(wait.lock) if wait is not None else ""
    if blocker is None:
        return f"it waits for {thing}"
    words = f"it waits for {who(blocker, forest)}"
    others = len(node.hard_blockers) + len(node.soft_blockers) - 1
    if others > 0:
        words += f" and {others} more"
    if node.roots and blocker not in node.roots:
        words += f"; the first blocker is {who(node.roots[0], forest)}"
    return words


def who(key: int, forest: LockForest) -> str:
    """A blocker in words: 'pid 71, idle in transaction 3 min, application billing'."""
    node = forest.nodes.get(key)
    if node is not None and node.prepared is not None:
        age = span(max(forest.at - node.prepared.prepared, 0.0))
        return f"prepared transaction '{node.prepared.gid}' of {node.prepared.owner}, {age} old"
    if key <= 0:
        return "a prepared transaction"
    parts = [f"pid {key}"]
    session = node.session if node is not None else None
    if session is not None:
        since = session.query_start if session.state == "active" else session.state_change
        state = "waiting" if node is not None and node.waits else session.state or session.backend_type
        if since is not None and state:
            state += f" {span(max(forest.at - since, 0.0))}"
        name = session.application_name or session.backend_type
        kind = "application " if session.application_name else ""
        parts += [part for part in (state, kind + name) if part]
    return ", ".join(parts)


def span(seconds: float) -> str:
    """A length of time in one unit: 0.4 s, 8 s, 3 min, 2 h, 5 d."""
    if seconds < 1.0:
        return f"{seconds:.1f} s"
    for size, unit, until in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172_800)):
        if seconds < until:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86_400)} d"
