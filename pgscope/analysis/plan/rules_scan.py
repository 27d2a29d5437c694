"""Tips on how tables are read: missing or short indexes, loops over scans, stale visibility, long offsets."""

from __future__ import annotations

from collections.abc import Iterator

from pgscope.analysis.plan.coerce import amount, strings, text
from pgscope.analysis.plan.conditions import Usable, sort_key, usable
from pgscope.analysis.plan.model import Node, Plan
from pgscope.analysis.plan.tip import TRIVIAL_COST, TRIVIAL_PAGES, Tip, count, percent, table, where

_SHARE = 0.9
_ROWS = 1000


def _worth_it(plan: Plan, node: Node) -> bool:
    pages = node.inclusive.shared + node.inclusive.local_hit + node.inclusive.local_read
    return plan.root.total_cost >= TRIVIAL_COST and (pages >= TRIVIAL_PAGES or not plan.has_buffers)


def _discarded(node: Node, key: str) -> float:
    return amount(node.raw.get(key)) * (node.loops or 0)


def _index(node: Node, *conditions: str) -> Usable:
    """What an index that serves all these conditions could look up."""
    found = [usable(condition, node.alias or node.relation) for condition in conditions]
    return Usable(
        tuple(column for one in found for column in one.equal),
        tuple(column for one in found for column in one.ranged),
        tuple(column for one in found for column in one.cast),
    )


def _create(node: Node, served: Usable) -> str:
    columns = served.columns
    advice = f"CREATE INDEX CONCURRENTLY ON {table(node)} ({', '.join(columns)})"
    cast = next((column for column in columns if column in served.cast), None)
    if cast is None:
        return advice
    inner = cast.strip("()").rpartition("(")[2]
    return f"{advice}, if {inner} is of a text type; of another, compare it without ::text"


def discarding_scan(plan: Plan) -> Iterator[Tip]:
    """A sequential scan that throws most rows away."""
    for node in plan.nodes:
        removed, kept = _discarded(node, "Rows Removed by Filter"), node.rows_total or 0.0
        if node.node_type != "Seq Scan" or not node.relation or not _worth_it(plan, node):
            continue
        if removed < _ROWS or removed < _SHARE * (removed + kept) or (node.loops or 0) >= 100:
            continue
        served = _index(node, text(node.raw.get("Filter")))
        try_index = (
            _create(node, served) if served.columns else "an index that serves the filter (on its expression)"
        )
        yield Tip(
            "discarding scan",
            node.index,
            f"reads {count(removed + kept)} rows to keep {count(kept)}"
            f" ({percent(removed, removed + kept)} thrown away)",
            where(node),
            try_index,
            node.exclusive.time,
        )


def discarding_index_scan(plan: Plan) -> Iterator[Tip]:
    """An index scan whose filter throws away most of what the index found."""
    for node in plan.nodes:
        if node.node_type not in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan") or not _worth_it(
            plan, node
        ):
            continue
        removed, kept = _discarded(node, "Rows Removed by Filter"), node.rows_total or 0.0
        if removed < _ROWS or removed < _SHARE * (removed + kept):
            continue
        looked_up = text(node.raw.get("Index Cond")) or text(node.raw.get("Recheck Cond"))
        served = _index(node, looked_up, text(node.raw.get("Filter")))
        filtered = _index(node, text(node.raw.get("Filter")))
        added = [column for column in filtered.columns if column in served.columns]
        advice = _create(node, served) if added else "an index that also holds what the filter asks for"
        yield Tip(
            "discarding index scan",
            node.index,
            f"the index finds {count(removed + kept)} rows, the filter keeps {count(kept)}",
            where(node),
            advice,
            node.exclusive.time,
        )


def repeated_scan(plan: Plan) -> Iterator[Tip]:
    """A sequential scan run again for each row of a nested loop."""
    for node in plan.nodes:
        loops = node.loops or 0
        if node.node_type != "Seq Scan" or loops < 100 or plan.root.total_cost < TRIVIAL_COST:
            continue
        joins = [above for above in plan.ancestors(node) if above.node_type == "Nested Loop"]
        if not joins or node.exclusive.blocks < 1000:
            continue
        # Anything between the two, such as a LIMIT, keeps the join's condition from reaching the table.
        direct = node.parent == joins[0].index
        join_filter = text(joins[0].raw.get("Join Filter")) if direct else ""
        served = _index(node, text(node.raw.get("Filter")), join_filter)
        yield Tip(
            "repeated scan",
            node.index,
            f"read whole {count(loops)} times, {count(node.exclusive.blocks)} blocks",
            where(node),
            _create(node, served) if served.columns else "an index on the column that joins it",
            node.exclusive.time + joins[0].exclusive.time,
        )


def heap_fetches(plan: Plan) -> Iterator[Tip]:
    """An index-only scan that visits the table all the same."""
    for node in plan.nodes:
        fetches = amount(node.raw.get("Heap Fetches"))
        rows = node.rows_total or 0.0
        if node.node_type == "Index Only Scan" and fetches >= _ROWS and fetches >= 0.1 * rows:
            yield Tip(
                "heap fetches",
                node.index,
                f"visits the table {count(fetches)} times for {count(rows)} rows: stale visibility map",
                where(node),
                f"VACUUM {table(node)}, and autovacuum more often there",
                node.exclusive.time,
            )


def top_n_scan(plan: Plan) -> Iterator[Tip]:
    """A whole table read to sort out its first rows."""
    for node in plan.nodes:
        if node.node_type != "Sort" or text(node.raw.get("Sort Method")) != "top-N heapsort":
            continue
        for scan in plan.children(node):
            rows = scan.rows_total or 0.0
            if scan.node_type != "Seq Scan" or rows < 10 * _ROWS or not _worth_it(plan, scan):
                continue
            alias = scan.alias or scan.relation
            keys = [sort_key(key, alias) for key in strings(node.raw.get("Sort Key"))]
            # What the filter compares with one value comes first: within it the rows are in order.
            served = usable(text(scan.raw.get("Filter")), alias)
            equal = [column for column in served.equal if column not in served.listed]
            columns = dict.fromkeys((*equal, *(key for key in keys if key is not None)))
            advice = f"CREATE INDEX CONCURRENTLY ON {table(scan)} ({', '.join(columns)}), read in order"
            if None in keys or not keys:
                advice = "an index on what it sorts by, read in order"
            yield Tip(
                "top-n scan",
                node.index,
                f"reads and sorts {count(rows)} rows to return the first {count(node.actual_rows or 0)}",
                where(scan),
                advice,
                node.exclusive.time + scan.exclusive.time,
            )


def long_offset(plan: Plan) -> Iterator[Tip]:
    """A page far down: rows made and thrown away by OFFSET."""
    for node in plan.nodes:
        below = plan.children(node)
        source = next((child for child in below if child.relationship == "Outer"), None)
        if node.node_type != "Limit" or source is None:
            continue
        made, kept = source.rows_total or 0.0, node.rows_total or 0.0
        if made - kept >= _ROWS and made - kept >= _SHARE * made:
            yield Tip(
                "long offset",
                node.index,
                f"makes {count(made)} rows to return {count(kept)}: OFFSET threw the rest away",
                where(node),
                "keyset pagination: WHERE (sort key) > (last one seen) ORDER BY ... LIMIT",
                source.inclusive.time * (made - kept) / made,
            )


def row_by_row_subplan(plan: Plan) -> Iterator[Tip]:
    """A sub-select run once for each row of the outer query."""
    for node in plan.nodes:
        loops = node.loops or 0
        if node.relationship != "SubPlan" or loops < _ROWS or not _worth_it(plan, node):
            continue
        if node.inclusive.time >= 0.25 * plan.root.inclusive.time:
            yield Tip(
                "subplan per row",
                node.index,
                f"run {count(loops)} times, once for each outer row: {count(node.inclusive.blocks)} blocks",
                f"{node.subplan or 'SubPlan'} ({where(node)})",
                "rewriting it as a join with a grouped subquery; in an ORM, eager loading",
                node.inclusive.time,
            )


RULES = (
    discarding_scan, discarding_index_scan, repeated_scan, heap_fetches, top_n_scan, long_offset,
    row_by_row_subplan,
)  # fmt: skip
