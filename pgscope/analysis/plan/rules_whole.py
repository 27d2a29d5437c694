"""Tips on estimates, workers, and what takes its time outside of the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from pgscope.analysis.plan.coerce import strings, text
from pgscope.analysis.plan.conditions import column_count, quoted
from pgscope.analysis.plan.model import Node, Plan
from pgscope.analysis.plan.tip import TRIVIAL_COST, Tip, count, table, where

_FACTOR = 10.0
_ROWS = 100.0
_MILLISECONDS = 5.0
"""Below this, planning, compiling and triggers are not worth a word whatever their share."""


def _off(node: Node) -> bool:
    return node.misestimate >= _FACTOR and max(node.actual_rows or 0.0, node.plan_rows) >= _ROWS


def _of_nothing(plan: Plan) -> set[int]:
    """Joins with a side that had no rows, and what only hands on theirs: no estimate can foresee that."""
    found: set[int] = set()
    for node in reversed(plan.nodes):
        below = plan.children(node)
        if node.actual_rows == 0 and (
            any(child.actual_rows == 0 and child.loops for child in below)
            if node.node_type in ("Hash Join", "Merge Join", "Nested Loop")
            else len(below) == 1 and below[0].index in found
        ):
            found.add(node.index)
    return found


def misestimate(plan: Plan) -> Iterator[Tip]:
    """An estimate off tenfold, at the deepest node: those above inherit its error."""
    if plan.root.total_cost < TRIVIAL_COST:
        return
    nothing = _of_nothing(plan)
    for node in plan.nodes:
        if node.index in nothing or not _off(node) or any(_off(below) for below in plan.subtree(node)[1:]):
            continue
        above = plan.nodes[node.parent].exclusive.time if node.parent is not None else 0.0
        yield Tip(
            "misestimate",
            node.index,
            f"{count(node.actual_rows or 0)} rows a loop where {count(node.plan_rows)} were expected"
            f" ({count(node.misestimate)} times off)",
            where(node),
            _statistics(node),
            node.exclusive.time + above,
        )


def _statistics(node: Node) -> str:
    alias = node.alias or node.relation
    conditions = [text(node.raw.get(key)) for key in ("Filter", "Index Cond", "Recheck Cond")]
    columns = max((column_count(condition, alias) for condition in conditions if condition), default=0)
    if node.relation and columns > 1:
        return (
            f"ANALYZE {table(node)}; if it stays, CREATE STATISTICS (dependencies, mcv) on the {columns}"
            " columns of the condition, which seem to depend on each other"
        )
    if node.relation:
        return f"ANALYZE {table(node)}; if it stays, a higher SET STATISTICS on the column of the condition"
    keys = strings(node.raw.get("Group Key"))
    if keys:
        return f"CREATE STATISTICS (ndistinct) on the columns grouped by: {', '.join(keys[:4])}"
    function = text(node.raw.get("Function Name"))
    if function:
        return f"ALTER FUNCTION {quoted(function)} ... ROWS {count(node.actual_rows or 1).replace(',', '')}"
    return "ANALYZE the tables below it; then extended statistics, or a simpler condition"


def missing_workers(plan: Plan) -> Iterator[Tip]:
    """A Gather that got fewer workers than planned."""
    for node in plan.nodes:
        workers = node.workers
        if workers and workers[1] < workers[0] and node.loops:
            yield Tip(
                "missing workers",
                node.index,
                f"{workers[1]} of {workers[0]} workers started: none were free",
                where(node),
                "a higher max_parallel_workers, or fewer parallel statements at once",
                node.inclusive.time * (workers[0] - workers[1]) / (workers[0] + 1),
            )


def around_the_nodes(plan: Plan) -> Iterator[Tip]:
    """Triggers, JIT or planning that take more than half of the time."""
    planning, execution = plan.planning_time or 0.0, plan.execution_time or 0.0
    whole = planning + execution
    if plan.execution_time is None:
        return
    triggers = sum(trigger.time for trigger in plan.triggers)
    if triggers > max(0.5 * whole, _MILLISECONDS):
        slowest = max(plan.triggers, key=lambda trigger: trigger.time)
        yield Tip(
            "triggers",
            None,
            f"{count(triggers)} of {count(whole)} ms in triggers, most in {slowest.name}"
            f" ({count(slowest.calls)} calls)",
            f"trigger {slowest.name}" + (f" on {slowest.relation}" if slowest.relation else ""),
            "for a foreign key, an index on the referencing column; else what the trigger's function does",
            triggers,
        )
    if plan.jit_time > max(0.5 * whole, _MILLISECONDS):
        yield Tip(
            "jit",
            None,
            f"{count(plan.jit_time)} of {count(whole)} ms compiling {plan.jit_functions} functions",
            "JIT",
            "SET LOCAL jit = off here, or a higher jit_above_cost",
            plan.jit_time,
        )
    if planning > max(0.5 * whole, _MILLISECONDS) and plan.root.total_cost >= TRIVIAL_COST:
        yield Tip(
            "planning",
            None,
            f"{count(planning)} of {count(whole)} ms planning",
            "planning",
            "a prepared statement, fewer joins, or fewer partitions touched",
            planning,
        )


RULES = (misestimate, missing_workers, around_the_nodes)
