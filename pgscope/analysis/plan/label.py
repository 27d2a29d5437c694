"""Names of nodes as EXPLAIN's text form words them, from the JSON keys."""

from __future__ import annotations

from collections.abc import Mapping

from pgscope.analysis.plan.coerce import text

_JOINS = frozenset({"Hash Join", "Merge Join", "Nested Loop"})


def label(raw: Mapping[str, object]) -> str:
    """The node's name: type, join type, strategy, partial mode, parallelism."""
    kind = text(raw.get("Node Type")) or "?"
    join = text(raw.get("Join Type"))
    name = kind
    if kind in _JOINS and join not in ("", "Inner"):
        name = f"{kind.removesuffix(' Join')} {join} Join"
    elif kind == "Aggregate":
        name = _aggregate(raw)
    elif kind == "SetOp":
        strategy = "Hash" if text(raw.get("Strategy")) == "Hashed" else ""
        name = " ".join(part for part in (f"{strategy}SetOp", text(raw.get("Command"))) if part)
    elif kind == "ModifyTable":
        name = text(raw.get("Operation")) or kind
    elif kind == "Foreign Scan":
        operation = text(raw.get("Operation"))
        name = f"Foreign {operation}" if operation not in ("", "Select") else kind
    elif kind == "Custom Scan":
        name = f"Custom Scan ({text(raw.get('Custom Plan Provider'))})"
    if text(raw.get("Scan Direction")) == "Backward":
        name += " Backward"
    return f"Parallel {name}" if raw.get("Parallel Aware") is True else name


def _aggregate(raw: Mapping[str, object]) -> str:
    names = {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"}
    name = names.get(text(raw.get("Strategy")), "Aggregate")
    mode = text(raw.get("Partial Mode"))
    return f"{mode} {name}" if mode not in ("", "Simple") else name


def target(raw: Mapping[str, object]) -> str:
    """What the node reads: index, relation, function or CTE, with its alias where that differs."""
    relation = text(raw.get("Relation Name"))
    name = relation
    for key in ("Function Name", "CTE Name", "Tuplestore Name", "Table Function Name"):
        name = name or text(raw.get(key))
    schema = text(raw.get("Schema"))
    if relation and schema not in ("", "public"):
        name = f"{schema}.{name}"
    alias = text(raw.get("Alias"))
    if alias not in ("", relation, name):
        name = f"{name} {alias}".strip()
    index = text(raw.get("Index Name"))
    return f"{index} on {name}" if index and name else index or name
