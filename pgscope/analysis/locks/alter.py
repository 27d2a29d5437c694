"""The locks of ALTER TABLE: each action has its own, and the strongest of them is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pgscope.analysis.locks.conflicts import strength
from pgscope.analysis.locks.tablelock import TableLock, name_of

SCHEMA_OBJECTS = frozenset(
    {
        "OBJECT_TABLE",
        "OBJECT_INDEX",
        "OBJECT_VIEW",
        "OBJECT_MATVIEW",
        "OBJECT_SEQUENCE",
        "OBJECT_FOREIGN_TABLE",
    }
)
"""Kinds of objects that are relations, as the parser names them."""

_ACTIONS = {
    # Whatever is not here takes ACCESS EXCLUSIVE.
    "AT_SetStatistics": "ShareUpdateExclusiveLock",
    "AT_SetOptions": "ShareUpdateExclusiveLock",
    "AT_ResetOptions": "ShareUpdateExclusiveLock",
    "AT_ClusterOn": "ShareUpdateExclusiveLock",
    "AT_DropCluster": "ShareUpdateExclusiveLock",
    "AT_ValidateConstraint": "ShareUpdateExclusiveLock",
    "AT_AttachPartition": "ShareUpdateExclusiveLock",
    "AT_DetachPartitionFinalize": "ShareUpdateExclusiveLock",
    "AT_EnableTrig": "ShareRowExclusiveLock",
    "AT_EnableAlwaysTrig": "ShareRowExclusiveLock",
    "AT_EnableReplicaTrig": "ShareRowExclusiveLock",
    "AT_DisableTrig": "ShareRowExclusiveLock",
    "AT_EnableTrigAll": "ShareRowExclusiveLock",
    "AT_DisableTrigAll": "ShareRowExclusiveLock",
    "AT_EnableTrigUser": "ShareRowExclusiveLock",
    "AT_DisableTrigUser": "ShareRowExclusiveLock",
}

_STRONG_OPTIONS = frozenset(
    {
        "autosummarize",
        "buffering",
        "check_option",
        "fastupdate",
        "gin_pending_list_limit",
        "pages_per_range",
        "security_barrier",
        "security_invoker",
        "user_catalog_table",
    }
)
"""Storage parameters whose change takes ACCESS EXCLUSIVE; the others are content with less."""


def alter_locks(node: dict[str, Any]) -> tuple[TableLock, ...]:
    """The locks of an AlterTableStmt of the parser: its own table's, then others that the text names."""
    commands = [entry["AlterTableCmd"] for entry in node.get("cmds", ())]
    name = name_of(node["relation"])
    mode = max((_mode(command) for command in commands), key=strength, default="AccessExclusiveLock")
    others = [lock for command in commands for lock in _others(command)]
    return (TableLock(name, mode), *others)


def referenced(element: dict[str, Any]) -> Iterator[TableLock]:
    """The tables that a column's or table's foreign keys refer to: a trigger is made on each."""
    constraints = [element["Constraint"]] if "Constraint" in element else []
    for entry in element.get("ColumnDef", {}).get("constraints", ()):
        constraints.append(entry["Constraint"])
    for constraint in constraints:
        if constraint.get("contype") == "CONSTR_FOREIGN":
            yield TableLock(name_of(constraint["pktable"]), "ShareRowExclusiveLock", "the referenced table")


def _mode(command: dict[str, Any]) -> str:
    action = command["subtype"]
    if action == "AT_AddConstraint":
        foreign = command["def"].get("Constraint", {}).get("contype") == "CONSTR_FOREIGN"
        return "ShareRowExclusiveLock" if foreign else "AccessExclusiveLock"
    if action in ("AT_SetRelOptions", "AT_ResetRelOptions"):
        options = {entry["DefElem"]["defname"] for entry in command["def"]["List"]["items"]}
        return "AccessExclusiveLock" if options & _STRONG_OPTIONS else "ShareUpdateExclusiveLock"
    if action == "AT_DetachPartition":
        concurrent = command["def"]["PartitionCmd"].get("concurrent")
        return "ShareUpdateExclusiveLock" if concurrent else "AccessExclusiveLock"
    return _ACTIONS.get(action, "AccessExclusiveLock")


def _others(command: dict[str, Any]) -> Iterator[TableLock]:
    action, definition = command["subtype"], command.get("def", {})
    if action in ("AT_AddColumn", "AT_AddConstraint"):
        yield from referenced(definition)
    elif action in ("AT_AddInherit", "AT_DropInherit"):
        parent = name_of(definition["RangeVar"])
        weak = "ShareUpdateExclusiveLock" if action == "AT_AddInherit" else "AccessShareLock"
        yield TableLock(parent, weak, "the parent")
    elif action in ("AT_AttachPartition", "AT_DetachPartition", "AT_DetachPartitionFinalize"):
        part = definition["PartitionCmd"]
        concurrent = action == "AT_DetachPartition" and part.get("concurrent")
        mode = "ShareUpdateExclusiveLock" if concurrent else "AccessExclusiveLock"
        yield TableLock(name_of(part["name"]), mode, "the partition")
