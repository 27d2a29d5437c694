"""Two plans of one statement side by side: what changed in shape, cost, rows, time and blocks."""

from __future__ import annotations

from difflib import SequenceMatcher

from pgscope.analysis.plan.model import Node, Plan
from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Pair:
    """A node of each plan in the same role, or one alone where the other has none."""

    before: Node | None
    after: Node | None

    @property
    def changed(self) -> bool:
        """Whether the two differ in kind or in what they read."""
        return self.before is None or self.after is None or _kind(self.before) != _kind(self.after)


@dataclass(frozen=True)
class Figure:
    """A figure of both plans; None where a plan does not have it."""

    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class PlanDiff:
    """What differs between two plans."""

    pairs: tuple[Pair, ...]
    figures: tuple[Figure, ...]
    summary: str

    @property
    def same_shape(self) -> bool:
        """Whether the nodes are the same, in the same order."""
        return not any(pair.changed for pair in self.pairs)


def _kind(node: Node) -> tuple[str, str, int]:
    return (node.label, node.target, node.depth)


def compare(before: Plan, after: Plan) -> PlanDiff:
    """Align two plans node by node."""
    matcher = SequenceMatcher(
        None, [_kind(node) for node in before.nodes], [_kind(node) for node in after.nodes], autojunk=False
    )
    pairs: list[Pair] = []
    for _, a0, a1, b0, b1 in matcher.get_opcodes():
        old, new = before.nodes[a0:a1], after.nodes[b0:b1]
        for place in range(max(len(old), len(new))):
            pairs.append(
                Pair(old[place] if place < len(old) else None, new[place] if place < len(new) else None)
            )
    return PlanDiff(tuple(pairs), _figures(before, after), one_line(before, after))


def _figures(before: Plan, after: Plan) -> tuple[Figure, ...]:
    def both(name: str, first: float | None, second: float | None) -> Figure:
        return Figure(name, first, second)

    def blocks(plan: Plan) -> float | None:
        return plan.root.inclusive.blocks if plan.analyzed and plan.has_buffers else None

    def read(plan: Plan) -> float | None:
        return plan.root.inclusive.shared_read if plan.analyzed and plan.has_buffers else None

    def time(plan: Plan) -> float | None:
        return plan.total_time if plan.analyzed else None

    return (
        both("cost", before.root.total_cost, after.root.total_cost),
        both("estimated rows", before.root.plan_rows, after.root.plan_rows),
        both("rows", before.root.actual_rows, after.root.actual_rows),
        both("time, ms", time(before), time(after)),
        both("planning, ms", before.planning_time, after.planning_time),
        both("blocks", blocks(before), blocks(after)),
        both("blocks read", read(before), read(after)),
    )


def one_line(before: Plan, after: Plan) -> str:
    """`plan changed: Index Scan to Seq Scan, 12 to 4,211 blocks`, or `same plan` and what moved."""
    change = _main_change(before, after)
    figure = ""
    if before.analyzed and after.analyzed and before.has_buffers and after.has_buffers:
        figure = f", {before.root.inclusive.blocks:,.0f} to {after.root.inclusive.blocks:,.0f} blocks"
    elif before.root.total_cost != after.root.total_cost:
        figure = f", cost {before.root.total_cost:,.0f} to {after.root.total_cost:,.0f}"
    return f"plan changed: {change}{figure}" if change else f"same plan{figure}"


def _main_change(before: Plan, after: Plan) -> str:
    """How the table that weighs most is now read, else the first node that differs; empty if none does."""
    old = {_place(node): node for node in before.nodes if node.relation}
    new = {_place(node): node for node in after.nodes if node.relation}
    moved = [
        (abs(_weight(new[place]) - _weight(node)), node, new[place])
        for place, node in old.items()
        if place in new and (node.label, node.index_name) != (new[place].label, new[place].index_name)
    ]
    if moved:
        _, first, second = max(moved, key=lambda item: item[0])
        if first.label == second.label:
            return f"{first.label} on {first.index_name} to {second.index_name}"
        return f"{first.label} to {second.label}"
    if [_kind(node) for node in before.nodes] == [_kind(node) for node in after.nodes]:
        return ""
    matcher = SequenceMatcher(
        None, [n.label for n in before.nodes], [n.label for n in after.nodes], autojunk=False
    )
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        gone = ", ".join(node.label for node in before.nodes[a0:a1][:3])
        come = ", ".join(node.label for node in after.nodes[b0:b1][:3])
        if tag == "replace":
            return f"{gone} to {come}"
        if tag == "delete":
            return f"{gone} gone"
        if tag == "insert":
            return f"{come} added"
    return "other tables or order"


def _place(node: Node) -> tuple[str, str, str]:
    return (node.schema, node.relation, node.alias)


def _weight(node: Node) -> float:
    return node.exclusive.blocks or node.total_cost
