"""The rows of what is remembered of lock waits: those that ended, and deadlocks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from pgscope.analysis.filter import Getters
from pgscope.analysis.locks import Deadlock, Party, WaitRecord
from pgscope.analysis.locks.conflicts import words
from pgscope.report import numbers
from pgscope.text import one_line
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import clock
from pgscope.tui.rows.sessions import LONGEST_LINE
from pgscope.tui.table import Cell, Column, Row

COLUMNS = (
    Column(
        "when", "ended", width=8, justify="right", fixed=True, priority=99, tooltip="When it was last seen"
    ),
    Column("app", "who waited", min_width=14, max_width=36, weight=1, priority=95),
    Column("seconds", "for", width=6, justify="right", priority=92, tooltip="How long it waited"),
    Column(
        "root", "because of", min_width=16, max_width=36, weight=1, priority=90, tooltip="The first blocker"
    ),
    Column("lock", "lock", min_width=16, max_width=60, weight=2, priority=80),
    Column(
        "depth",
        "deep",
        width=4,
        justify="right",
        priority=45,
        tooltip="Steps from the first blocker, at the most",
    ),
    Column(
        "behind",
        "behind",
        width=6,
        justify="right",
        priority=60,
        tooltip="Sessions that waited because of it, at the most",
    ),
    Column("query", "statement", min_width=16, weight=4, priority=40),
)

Ended = WaitRecord | Deadlock
_NAMED = 6
"""Blockers named; the rest are counted."""


def name_of(party: Party) -> str:
    """A party as pid and application."""
    if not party.pid:
        return f"prepared '{party.query}'" if party.query else "prepared transaction"
    return f"{party.pid} {party.application_name or '(no name)'}"


def key_of(one: Ended) -> tuple[object, ...]:
    """What names the row."""
    if isinstance(one, Deadlock):
        return ("deadlock", one.first_seen, one.database, tuple(member.pid for member in one.members))
    return ("wait", one.waiter.pid, one.waiter.backend_start, one.first_seen, one.what, one.lock.mode)


def who(one: Ended) -> str:
    """Who waited."""
    if isinstance(one, WaitRecord):
        return name_of(one.waiter)
    word = "deadlock" if one.certain else "cycle"
    many = f"{one.count} deadlocks" if one.count > 1 else word
    names = ", ".join(member.application_name or "(no name)" for member in one.members)
    return f"{many}: {names}" if names else f"{many} in {one.database}"


def because_of(one: Ended) -> str:
    """The root that it waited for; of a deadlock its members in their order."""
    if isinstance(one, Deadlock):
        pids = [str(member.pid) for member in one.members]
        return " > ".join([*pids, pids[0]]) if pids else "unseen: the server's count"
    if one.root is not None:
        more = f" +{len(one.roots) - 1}" if len(one.roots) > 1 else ""
        return name_of(one.root) + more
    return ", ".join(str(pid) for pid in one.hard + one.soft)


def lock_of(one: Ended) -> str:
    """What it waited for."""
    if isinstance(one, Deadlock):
        return ", ".join(one.waits)
    return f"{one.what} {words(one.lock.mode)}"


def query_of(one: Ended) -> str:
    """The statement that waited; those of a deadlock side by side."""
    if isinstance(one, Deadlock):
        return " | ".join(_line(member.query) for member in one.members)
    return one.waiter.query


def in_full(one: Ended, signs: Signs) -> list[str]:
    """All that is known of it: a sentence each."""
    if isinstance(one, Deadlock):
        said = [f"{signs.cycle} {who(one)}, {because_of(one)}"]
        for member, thing in zip(one.members, one.waits, strict=True):
            said.append(f"  {name_of(member)} waited for {thing}: {_line(member.query)}")
        return said
    lock = f"{one.what} {words(one.lock.mode)}"
    said = [f"{signs.waiting} {name_of(one.waiter)} waited {numbers.seconds(one.seconds)} for {lock}"]
    for pids, how in ((one.hard, "blocked by"), (one.soft, "queued behind")):
        if pids:
            some = ", ".join(str(pid) if pid else "a prepared transaction" for pid in pids[:_NAMED])
            more = f" and {len(pids) - _NAMED} more" if len(pids) > _NAMED else ""
            said[0] += f", {how} {some}{more}"
    if one.root is not None:
        state = f" ({one.root.state})" if one.root.state else ""
        said.append(f"{signs.blocking} first blocker: {name_of(one.root)}{state}: {_line(one.root.query)}")
    said.append(f"  statement {_line(one.waiter.query)}")
    return said


def _line(query: str) -> str:
    return one_line(query[:LONGEST_LINE])


def _parties(one: Ended) -> tuple[Party, ...]:
    return one.members if isinstance(one, Deadlock) else (one.waiter,)


def _seconds(one: Ended) -> float | None:
    if isinstance(one, Deadlock):
        return max(one.last_seen - one.first_seen, 0.0) if one.members else None
    return one.seconds


GETTERS: Getters[Ended] = {
    "": lambda one: (who(one), because_of(one), lock_of(one), query_of(one)),
    "app": lambda one: tuple(party.application_name for party in _parties(one)),
    "user": lambda one: tuple(party.user for party in _parties(one)),
    "db": lambda one: tuple(party.database for party in _parties(one)),
    "query": query_of,
    "wait": lock_of,
    "age": lambda one: _seconds(one) or 0.0,
}
"""How a filter asks these rows."""


def rows(ended: Iterable[Ended], signs: Signs) -> list[Row]:
    """A row for each."""
    return [
        Row(
            key=key_of(one),
            cells=partial(_cells, one, signs),
            sort_values=(
                one.last_seen,
                who(one),
                _seconds(one),
                because_of(one),
                lock_of(one),
                0 if isinstance(one, Deadlock) else one.depth,
                0 if isinstance(one, Deadlock) else one.behind,
                query_of(one),
            ),
        )
        for one in ended
    ]


def _cells(one: Ended, signs: Signs) -> tuple[Cell | str, ...]:
    seconds = _seconds(one)
    deadlock = isinstance(one, Deadlock)
    return (
        clock(one.last_seen),
        Cell(f"{signs.cycle} {who(one)}", "bad") if deadlock else who(one),
        numbers.seconds(seconds) if seconds is not None else "",
        because_of(one),
        lock_of(one),
        "" if isinstance(one, Deadlock) else str(one.depth),
        "" if isinstance(one, Deadlock) or not one.behind else numbers.whole(one.behind),
        _line(query_of(one)),
    )
