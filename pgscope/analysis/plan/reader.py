"""EXPLAIN's JSON to a Plan. Takes any JSON: what is odd becomes a default, no plan a PlanError."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pgscope.analysis.plan.accounting import settle
from pgscope.analysis.plan.amounts import NOTHING, Amounts
from pgscope.analysis.plan.coerce import amount, items, mapping, number, optional, text
from pgscope.analysis.plan.label import label, target
from pgscope.analysis.plan.model import Node, Plan, PlanError, Trigger

_BLOCKS = {
    f"{kind.lower()}_{verb.lower()}": f"{kind} {verb} Blocks"
    for kind in ("Shared", "Local")
    for verb in ("Hit", "Read", "Dirtied", "Written")
} | {"temp_read": "Temp Read Blocks", "temp_written": "Temp Written Blocks"}
_READ_ALL = frozenset({"Sort", "Hash", "ModifyTable", "Bitmap Heap Scan", "BitmapAnd", "BitmapOr"})
"""Nodes that read all that is below them before they return their first row."""


def parse(source: object, block_size: int = 8192) -> Plan:
    """Read EXPLAIN (FORMAT JSON): the text, or what json.loads made of it. Raises PlanError.

    `block_size` is that of the server that made it, in bytes.
    """
    if isinstance(source, (str, bytes)):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise PlanError(f"not JSON: {error}") from error
    if isinstance(source, (list, tuple)):
        source = source[0] if source else None
    whole = mapping(source)
    if not isinstance(whole.get("Plan"), Mapping):
        raise PlanError('no "Plan" in the JSON: EXPLAIN (FORMAT JSON) has one')
    raws, parents = _flatten(mapping(whole["Plan"]))
    ends = _ends(parents)
    scales = _scales(raws, parents)
    inclusive = [_amounts(raw, scale) for raw, scale in zip(raws, scales, strict=True)]
    resolution = sum(0.0005 * max(amount(raw.get("Actual Loops")), 1.0) for raw in raws)
    accounts = settle(raws, parents, ends, inclusive, resolution)
    children: list[list[int]] = [[] for _ in raws]
    depths = [0] * len(raws)
    for index, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(index)
            depths[index] = depths[parent] + 1
    cut, again = _cut_short(raws, parents), _read_again(raws, parents)
    nodes = tuple(
        Node(
            index=index,
            parent=parents[index],
            depth=depths[index],
            children=tuple(children[index]),
            node_type=text(raw.get("Node Type")) or "?",
            label=label(raw),
            target=target(raw),
            relation=text(raw.get("Relation Name")),
            schema=text(raw.get("Schema")),
            alias=text(raw.get("Alias")),
            index_name=text(raw.get("Index Name")),
            relationship=text(raw.get("Parent Relationship")),
            subplan=text(raw.get("Subplan Name")),
            startup_cost=amount(raw.get("Startup Cost")),
            total_cost=amount(raw.get("Total Cost")),
            plan_rows=amount(raw.get("Plan Rows")),
            plan_width=amount(raw.get("Plan Width")),
            actual_rows=optional(raw.get("Actual Rows")),
            loops=optional(raw.get("Actual Loops")),
            inclusive=inclusive[index],
            exclusive=accounts.exclusive[index],
            cut_short=cut[index],
            read_again=again[index],
            parallel=scales[index] != 1.0,
            raw=raw,
        )
        for index, raw in enumerate(raws)
    )
    planning = whole.get("Planning")
    jit = mapping(whole.get("JIT"))
    identifier = whole.get("Query Identifier")
    return Plan(
        nodes=nodes,
        analyzed=any(node.loops is not None for node in nodes),
        has_buffers=any("Shared Hit Blocks" in raw for raw in raws),
        planning_time=optional(whole.get("Planning Time")),
        planning=_amounts(mapping(planning), 1.0) if isinstance(planning, Mapping) else NOTHING,
        execution_time=optional(whole.get("Execution Time")),
        triggers=tuple(_trigger(mapping(item)) for item in items(whole.get("Triggers"))),
        jit_time=amount(mapping(jit.get("Timing")).get("Total")),
        jit_functions=int(amount(jit.get("Functions"))),
        settings={key: str(value) for key, value in mapping(whole.get("Settings")).items()},
        query_identifier=identifier
        if isinstance(identifier, int) and not isinstance(identifier, bool)
        else None,
        outside=accounts.outside,
        unattributed=accounts.unattributed,
        time_resolution=resolution,
        block_size=block_size,
    )


def _flatten(root: Mapping[str, object]) -> tuple[list[dict[str, object]], list[int | None]]:
    """The nodes in printed order without their children, and the parent of each. No recursion, any depth."""
    raws: list[dict[str, object]] = []
    parents: list[int | None] = []
    stack: list[tuple[Mapping[str, object], int | None]] = [(root, None)]
    while stack:
        node, parent = stack.pop()
        here = len(raws)
        raws.append({key: value for key, value in node.items() if key != "Plans"})
        parents.append(parent)
        below = [mapping(item) for item in items(node.get("Plans")) if isinstance(item, Mapping)]
        stack.extend((child, here) for child in reversed(below))
    return raws, parents


def _ends(parents: list[int | None]) -> list[int]:
    ends = list(range(1, len(parents) + 1))
    for index in range(len(parents) - 1, 0, -1):
        parent = parents[index]
        if parent is not None:
            ends[parent] = max(ends[parent], ends[index])
    return ends


def _scales(raws: list[dict[str, object]], parents: list[int | None]) -> list[float]:
    """What makes time passed of all processes' time: a Gather's loops by those of its child."""
    scales = [1.0] * len(raws)
    for index, parent in enumerate(parents):
        if parent is None:
            continue
        scales[index] = scales[parent]
        above = raws[parent]
        is_gather = text(above.get("Node Type")) in ("Gather", "Gather Merge")
        deferred = text(raws[index].get("Parent Relationship")) in ("InitPlan", "SubPlan")
        loops, mine = amount(above.get("Actual Loops")), amount(raws[index].get("Actual Loops"))
        if is_gather and not deferred and loops and mine > loops:
            scales[index] = scales[parent] * loops / mine
    return scales


def _amounts(raw: Mapping[str, object], scale: float) -> Amounts:
    loops = amount(raw.get("Actual Loops"))
    both = amount(raw.get("I/O Read Time")), amount(raw.get("I/O Write Time"))
    return Amounts(
        time=min(amount(raw.get("Actual Total Time")) * loops, 1e18) * scale,
        **{field: float(int(amount(raw.get(key)))) for field, key in _BLOCKS.items()},
        shared_read_time=both[0] + amount(raw.get("Shared I/O Read Time")),
        shared_write_time=both[1] + amount(raw.get("Shared I/O Write Time")),
        local_read_time=amount(raw.get("Local I/O Read Time")),
        local_write_time=amount(raw.get("Local I/O Write Time")),
        temp_read_time=amount(raw.get("Temp I/O Read Time")),
        temp_write_time=amount(raw.get("Temp I/O Write Time")),
        wal_records=amount(raw.get("WAL Records")),
        wal_bytes=amount(raw.get("WAL Bytes")),
    )


def _cut_short(raws: list[dict[str, object]], parents: list[int | None]) -> list[bool]:
    """Nodes that a LIMIT, a join or a sub-select may stop reading early, or whose rows are not counted."""
    in_vain = _built_in_vain(raws, parents)
    cut = [_uncounted(raws[0])] if raws else []
    for index in range(1, len(raws)):
        parent = parents[index] or 0
        above, kind = raws[parent], text(raws[parent].get("Node Type"))
        relationship = text(raws[index].get("Parent Relationship"))
        if kind in ("Limit", "Merge Join") or relationship in ("SubPlan", "InitPlan"):
            early = True
        elif kind == "Nested Loop" and text(above.get("Join Type")) in ("Semi", "Anti"):
            early = cut[parent] or relationship == "Inner"
        elif _reads_all(above):
            early = False
        else:
            early = cut[parent] or "Run Condition" in above or (parent in in_vain and relationship == "Outer")
        inner_once = above.get("Inner Unique") is True and relationship == "Inner"
        cut.append(early or inner_once or _uncounted(raws[index]))
    return cut


def _built_in_vain(raws: list[dict[str, object]], parents: list[int | None]) -> set[int]:
    """Hash joins that found nothing to put into their table: they hardly read their other side."""
    return {
        parent
        for raw, parent in zip(raws, parents, strict=True)
        if parent is not None and text(raw.get("Node Type")) == "Hash" and raw.get("Actual Rows") == 0
    }


def _reads_all(raw: Mapping[str, object]) -> bool:
    kind = text(raw.get("Node Type"))
    if kind in ("Aggregate", "SetOp"):
        # Over sorted rows they return each group as soon as it is over.
        return text(raw.get("Strategy")) in ("Plain", "Hashed")
    return kind in _READ_ALL


def _uncounted(raw: Mapping[str, object]) -> bool:
    """Whether the server counts no rows of it, or fewer than it estimates: those past a run condition."""
    return text(raw.get("Node Type")) in ("BitmapAnd", "BitmapOr") or "Run Condition" in raw


def _read_again(raws: list[dict[str, object]], parents: list[int | None]) -> list[bool]:
    """Inner sides of merge joins, which go back for each row of the outer side that equals the one before."""
    return [
        parent is not None
        and text(raws[parent].get("Node Type")) == "Merge Join"
        and text(raw.get("Parent Relationship")) == "Inner"
        for raw, parent in zip(raws, parents, strict=True)
    ]


def _trigger(raw: Mapping[str, object]) -> Trigger:
    name = text(raw.get("Trigger Name")) or text(raw.get("Constraint Name"))
    return Trigger(name, text(raw.get("Relation")), amount(raw.get("Time")), number(raw.get("Calls")))
