"""The rows of the forest of lock waits: roots first, under them those who wait because of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from pgscope.analysis.activity import state_word, transaction_age
from pgscope.analysis.filter import Filter, Getters
from pgscope.analysis.locks import LockNode
from pgscope.analysis.locks.conflicts import words
from pgscope.analysis.locks.objects import describe
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.sample import Lock
from pgscope.text import one_line
from pgscope.tui.glyphs import Signs
from pgscope.tui.rows.sessions import LONGEST_LINE, name_of
from pgscope.tui.table import Cell, Column, Row, Tone

COLUMNS = (
    Column("pid", "pid", min_width=10, max_width=22, weight=0.1, fixed=True, priority=99, descending=False),
    Column("app", "application", min_width=12, max_width=28, weight=1, priority=90),
    Column("user", "user", min_width=8, max_width=16, weight=0.5, priority=40),
    Column("db", "database", min_width=8, max_width=16, weight=0.5, priority=38),
    Column(
        "state",
        "state",
        width=12,
        priority=95,
        tooltip="blocked: by one who holds the lock; queued: only behind others; the top waits for nobody",
    ),
    Column(
        "behind",
        "behind",
        width=7,
        justify="right",
        priority=97,
        tooltip="Sessions that wait because of it, each counted once",
    ),
    Column("waited", "waits", width=6, justify="right", priority=92, tooltip="How long it has waited"),
    Column(
        "xact", "tx age", width=6, justify="right", priority=85, tooltip="How long its transaction is open"
    ),
    Column(
        "lock",
        "lock",
        min_width=16,
        max_width=60,
        weight=3,
        priority=80,
        tooltip="What it waits for, and in which mode; of a blocker what it holds that others want",
    ),
    Column(
        "others",
        "also waits for",
        min_width=14,
        max_width=24,
        weight=0.5,
        priority=30,
        tooltip="Blockers besides the one it stands under",
    ),
    Column(
        "query", "statement", min_width=16, weight=6, priority=70, tooltip="The current or last statement"
    ),
)

_DEEPEST = 6
"""Steps that are drawn as such; further down the number of steps is written."""


def key_of(node: LockNode) -> tuple[object, ...]:
    """What names the row of a node: of a session its identity, as in the view of sessions."""
    return node.session.identity if node.session is not None else ("node", node.key)


def application_of(node: LockNode) -> str:
    """The application of a node, or what else it is."""
    if node.session is not None:
        return name_of(node.session)
    return "(prepared)" if node.key <= 0 else "(not seen)"


def user_of(node: LockNode) -> str:
    """Whose it is."""
    if node.session is not None:
        return node.session.user
    return node.prepared.owner if node.prepared is not None else ""


def database_of(node: LockNode) -> str:
    """Where it works."""
    if node.session is not None:
        return node.session.database
    return node.prepared.database if node.prepared is not None else ""


def query_of(node: LockNode) -> str:
    """Its statement; of a prepared transaction its identifier."""
    if node.session is not None:
        return node.session.query
    return f"prepared transaction '{node.prepared.gid}'" if node.prepared is not None else ""


def pid_of(node: LockNode) -> str:
    """Its pid, or that it has none."""
    return str(node.pid) if node.pid else "prepared"


def state_of(node: LockNode) -> str:
    """A word for what it does: blocked, queued, in a cycle; of a root its session's state."""
    if node.cycle is not None:
        return "cycle"
    if node.waits:
        return "queued" if node.parent is not None and not node.hard else "blocked"
    if node.session is not None:
        return state_word(node.session)
    return "prepared" if node.key <= 0 else "gone"


def state_cell(node: LockNode, signs: Signs) -> Cell:
    """The word with its sign."""
    word = state_of(node)
    if node.cycle is not None:
        return Cell(f"{signs.cycle} {word}", "bad")
    if not node.waits:
        return Cell(f"{signs.blocking} {word}", "bad")
    tone: Tone = "normal" if word == "queued" else "warn"
    return Cell(f"{signs.queued if word == 'queued' else signs.waiting} {word}", tone)


def waited(node: LockNode, snapshot: Snapshot) -> float | None:
    """Seconds that it has waited; None for a root."""
    starts = [snapshot.wait_starts[wait.pid] for wait in node.waits if wait.pid in snapshot.wait_starts]
    return max(snapshot.at - min(starts), 0.0) if starts else None


def open_for(node: LockNode, at: float) -> float | None:
    """Seconds that its transaction has been open, or prepared."""
    if node.session is not None:
        return transaction_age(node.session, at)
    return max(at - node.prepared.prepared, 0.0) if node.prepared is not None else None


def lock_text(lock: Lock, database: str) -> str:
    """A lock as object and mode; `database` if it is not the one watched."""
    return f"{describe(lock, database)} {words(lock.mode)}"


def _short(text: str) -> str:
    """Without the schema that goes without saying, since a row has little room."""
    return text.replace("public.", "", 1)


def elsewhere(node: LockNode, snapshot: Snapshot) -> str:
    """The node's database, if it is not the one that pgscope is connected to."""
    here = snapshot.facts.database if snapshot.facts is not None else ""
    there = database_of(node)
    return there if there != here else ""


def what(node: LockNode, snapshot: Snapshot) -> str:
    """What it waits for; of a root what it holds that others want."""
    database = elsewhere(node, snapshot)
    if node.wait is not None:
        return lock_text(node.wait.lock, database)
    if not node.holds:
        return ""
    # A table says more than the number of a transaction.
    first = min(node.holds, key=lambda lock: lock.locktype in ("transactionid", "virtualxid"))
    more = f" +{len(node.holds) - 1}" if len(node.holds) > 1 else ""
    return f"holds {lock_text(first, database)}{more}"


def getters(snapshot: Snapshot) -> Getters[LockNode]:
    """How a filter asks nodes."""
    return {
        "": lambda one: (
            pid_of(one),
            application_of(one),
            user_of(one),
            database_of(one),
            state_of(one),
            what(one, snapshot),
            query_of(one),
        ),
        "app": application_of,
        "user": user_of,
        "db": database_of,
        "client": lambda one: one.session.client_addr if one.session is not None else "",
        "state": lambda one: (state_of(one), "waiting" if one.waits else "root"),
        "wait": lambda one: (what(one, snapshot), "Lock" if one.waits else ""),
        "query": query_of,
        "pid": lambda one: one.pid,
        "age": lambda one: waited(one, snapshot) or 0.0,
        "xact": lambda one: open_for(one, snapshot.at) or 0.0,
    }


def chosen(snapshot: Snapshot, wanted: Filter) -> list[LockNode]:
    """The nodes that a filter wants, and those above them, since a branch in the air says nothing."""
    forest = snapshot.locks
    nodes = list(forest.lines())
    if not wanted:
        return nodes
    kept = set()
    for node in wanted.select(nodes, getters(snapshot)):
        key: int | None = node.key
        while key is not None and key not in kept:
            kept.add(key)
            key = forest.nodes[key].parent
    return [node for node in nodes if node.key in kept]


def rows(nodes: Iterable[LockNode], snapshot: Snapshot, signs: Signs) -> list[Row]:
    """A row for each node, in the order given."""
    return [_row(node, snapshot, signs) for node in nodes]


def _row(node: LockNode, snapshot: Snapshot, signs: Signs) -> Row:
    return Row(
        key=key_of(node),
        cells=partial(_cells, node, snapshot, signs),
        sort_values=(
            node.key,
            application_of(node).lower(),
            user_of(node),
            database_of(node),
            state_of(node),
            node.behind,
            waited(node, snapshot),
            open_for(node, snapshot.at),
            what(node, snapshot),
            len(node.others),
            query_of(node),
        ),
        indent=node.depth,
        prefix=_branch(node.depth, signs),
    )


def _branch(depth: int, signs: Signs) -> str:
    if depth == 0:
        return ""
    corner = "+ " if signs.ascii_only else "└ "
    if depth > _DEEPEST:
        return f"{'  ' * (_DEEPEST - 2)}{depth}{corner}"
    return "  " * (depth - 1) + corner


def _cells(node: LockNode, snapshot: Snapshot, signs: Signs) -> tuple[Cell | str, ...]:
    wait_age = waited(node, snapshot)
    age = open_for(node, snapshot.at)
    nodes = snapshot.locks.nodes
    others = [pid_of(nodes[key]) if key in nodes else str(key) for key in node.others[:4]]
    if len(node.others) > len(others):
        others.append(f"+{len(node.others) - len(others)}")
    return (
        pid_of(node),
        application_of(node),
        user_of(node),
        database_of(node),
        state_cell(node, signs),
        Cell(numbers.whole(node.behind), "bad" if not node.waits else "normal") if node.behind else "",
        numbers.seconds(wait_age) if wait_age is not None else "",
        numbers.seconds(age) if age is not None else "",
        _short(what(node, snapshot)),
        " ".join(others),
        one_line(query_of(node)[:LONGEST_LINE]),
    )
