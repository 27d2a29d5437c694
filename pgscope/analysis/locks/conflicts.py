"""Lock modes: which shut out which (the manual's table 13.2), and what that means in words."""

from __future__ import annotations

WORDS = {
    "AccessShareLock": "ACCESS SHARE",
    "RowShareLock": "ROW SHARE",
    "RowExclusiveLock": "ROW EXCLUSIVE",
    "ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE",
    "ShareLock": "SHARE",
    "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
    "ExclusiveLock": "EXCLUSIVE",
    "AccessExclusiveLock": "ACCESS EXCLUSIVE",
}
"""The modes as pg_locks calls them, weakest first, and as LOCK TABLE does."""

MODES = tuple(WORDS)

_CONFLICTS: dict[str, frozenset[str]] = {
    "AccessShareLock": frozenset(MODES[7:]),
    "RowShareLock": frozenset(MODES[6:]),
    "RowExclusiveLock": frozenset(MODES[4:]),
    "ShareUpdateExclusiveLock": frozenset(MODES[3:]),
    "ShareLock": frozenset(MODES[2:4] + MODES[5:]),
    "ShareRowExclusiveLock": frozenset(MODES[2:]),
    "ExclusiveLock": frozenset(MODES[1:]),
    "AccessExclusiveLock": frozenset(MODES),
}

_BLOCKS = {
    "AccessShareLock": "blocks only ACCESS EXCLUSIVE (DROP, TRUNCATE, most of ALTER TABLE)",
    "RowShareLock": "blocks EXCLUSIVE and ACCESS EXCLUSIVE (most of ALTER TABLE)",
    "RowExclusiveLock": "blocks CREATE INDEX, CREATE TRIGGER and most of ALTER TABLE",
    "ShareUpdateExclusiveLock": "blocks DDL, VACUUM and ANALYZE; reads and writes go on",
    "ShareLock": "blocks writes; reads go on",
    "ShareRowExclusiveLock": "blocks writes; reads go on",
    "ExclusiveLock": "blocks writes and SELECT FOR UPDATE; plain reads go on",
    "AccessExclusiveLock": "blocks reads and writes",
}


def conflict(one: str, other: str) -> bool:
    """Whether two modes, as pg_locks names them, cannot be held at once by two transactions."""
    return other in _CONFLICTS.get(one, ())


def conflicting(mode: str) -> frozenset[str]:
    """The modes that this one conflicts with; none for a mode not known."""
    return _CONFLICTS.get(mode, frozenset())


def words(mode: str) -> str:
    """The mode as SQL writes it: ACCESS EXCLUSIVE for AccessExclusiveLock."""
    return WORDS.get(mode, mode)


def strength(mode: str) -> int:
    """Place in the manual's order, weakest first; -1 for a mode not known."""
    return MODES.index(mode) if mode in WORDS else -1


def blocks(mode: str) -> str:
    """What a table lock of this mode shuts out, in words; '' for a mode not known."""
    return _BLOCKS.get(mode, "")
