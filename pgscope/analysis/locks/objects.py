"""What a lock is on: one name for it, to tell locks on the same thing, and in words."""

from __future__ import annotations

from typing import NamedTuple

from pgscope.sample import Lock


class LockObject(NamedTuple):
    """What pg_locks says a lock is on; equal for locks that can conflict."""

    locktype: str
    database: int | None
    relation: int | None
    page: int | None
    tuple: int | None
    virtualxid: str
    transactionid: int | None
    classid: int | None
    objid: int | None
    objsubid: int | None


def object_of(lock: Lock) -> LockObject:
    """What the lock is on."""
    return LockObject(lock.locktype, lock.database, *_place(lock), lock.classid, lock.objid, lock.objsubid)


def _place(lock: Lock) -> tuple[int | None, int | None, int | None, str, int | None]:
    return lock.relation, lock.page, lock.tuple, lock.virtualxid, lock.transactionid


def describe(lock: Lock, database: str = "") -> str:
    """The object in a few words; `database` names another database than the one watched, where it matters."""
    # Roles, databases and the catalogs that list them are in no database.
    place = f" in {database}" if database and lock.database != 0 else ""
    relation = (lock.relation_name or f"relation {lock.relation}") + place
    kind = lock.locktype
    if kind == "relation":
        return relation
    if kind == "tuple":
        return f"row ({lock.page},{lock.tuple}) of {relation}"
    if kind == "page":
        return f"page {lock.page} of {relation}"
    if kind == "extend":
        return f"growth of {relation}"
    if kind == "transactionid":
        return f"transaction {lock.transactionid}"
    if kind == "virtualxid":
        return f"transaction {lock.virtualxid}"
    if kind == "advisory":
        return f"advisory lock {advisory_key(lock)}" + place
    if kind == "object":
        return (lock.object_name or f"object {lock.objid} of class {lock.classid}") + place
    if kind == "frozenid":
        return "the oldest transaction ids" + place
    if kind == "spectoken":
        return f"insertion in progress of transaction {lock.transactionid}"
    if kind == "applytransaction":
        return f"replicated transaction {lock.transactionid}" + place
    return kind + place


def advisory_key(lock: Lock) -> str:
    """The key as pg_advisory_lock took it: one number, or two in brackets."""
    high, low = lock.classid or 0, lock.objid or 0
    if lock.objsubid == 2:
        return f"({_signed(high, 32)}, {_signed(low, 32)})"
    return str(_signed(high << 32 | low, 64))


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >= 1 << (bits - 1) else number
