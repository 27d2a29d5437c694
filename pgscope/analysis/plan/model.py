"""A plan as read: its nodes in the order of the printed tree, with what each cost alone and with children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from pgscope.analysis.plan.amounts import NOTHING, Amounts
from pgscope.dataclass import dataclass


class PlanError(ValueError):
    """The JSON is not a plan; the message says what is missing."""


@dataclass(frozen=True)
class Node:
    """One node of a plan. Rows and costs as EXPLAIN gives them, amounts as totals over all loops."""

    index: int
    """Its place in `Plan.nodes`: parents before children, as printed."""
    parent: int | None
    depth: int
    children: tuple[int, ...]
    node_type: str
    label: str
    """Node type with strategy, join type and parallelism: `Parallel Seq Scan`, `Hash Left Join`."""
    target: str
    """What it reads: `index on schema.relation alias`, or the function or CTE; empty for the others."""
    relation: str
    schema: str
    alias: str
    index_name: str
    relationship: str
    """Outer, Inner, Member, Subquery, InitPlan or SubPlan; empty at the root."""
    subplan: str
    """`SubPlan 1`, `CTE recent`, as the server names it; empty where it has no name."""
    startup_cost: float
    total_cost: float
    plan_rows: float
    """Estimated rows of one loop."""
    plan_width: float
    actual_rows: float | None
    """Rows of one loop, averaged; None without ANALYZE."""
    loops: float | None
    inclusive: Amounts
    exclusive: Amounts
    cut_short: bool
    """Whether something above may stop reading it early, so that too few rows prove nothing."""
    read_again: bool
    """Whether a merge join may have read its rows several times, so that too many prove nothing."""
    parallel: bool
    """Whether it runs in several processes at once (below a Gather)."""
    raw: Mapping[str, object]
    """The server's own keys and values, children left out."""

    @property
    def never_executed(self) -> bool:
        """Whether ANALYZE ran and never came here."""
        return self.loops == 0

    @property
    def rows_total(self) -> float | None:
        """Rows over all loops; None without ANALYZE."""
        if self.actual_rows is None or self.loops is None:
            return None
        return self.actual_rows * self.loops

    @property
    def plan_rows_total(self) -> float:
        """Estimated rows over all the loops that ran (one without ANALYZE)."""
        return self.plan_rows * (self.loops if self.loops else 1)

    @property
    def misestimate(self) -> float:
        """How many times off the estimate is, at least 1; 1 without ANALYZE. Below one row counts as one."""
        if self.actual_rows is None or not self.loops:
            return 1.0
        actual, planned = max(self.actual_rows, 1.0), max(self.plan_rows, 1.0)
        if (self.cut_short and actual < planned) or (self.read_again and actual > planned):
            return 1.0
        return max(actual / planned, planned / actual)

    @property
    def workers(self) -> tuple[int, int] | None:
        """Workers planned and launched at a Gather; None elsewhere."""
        planned, launched = self.raw.get("Workers Planned"), self.raw.get("Workers Launched")
        if not isinstance(planned, int) or not isinstance(launched, int):
            return None
        return planned, launched


@dataclass(frozen=True)
class Trigger:
    """What one trigger took: time in ms over its calls."""

    name: str
    relation: str
    time: float
    calls: float


@dataclass(frozen=True)
class Plan:
    """A plan and what it says of the whole statement. Times in ms."""

    nodes: tuple[Node, ...]
    analyzed: bool
    has_buffers: bool
    planning_time: float | None
    planning: Amounts
    execution_time: float | None
    triggers: tuple[Trigger, ...]
    jit_time: float
    jit_functions: int
    settings: Mapping[str, str]
    query_identifier: int | None
    outside: Amounts = NOTHING
    """Spent by nodes whose parent had ended, such as a modifying CTE finished after the main query."""
    unattributed: Amounts = NOTHING
    """Root and outside, less the sum of the exclusive amounts: what could not be given to a node."""
    time_resolution: float = 0.0
    """How far the rounding of printed averages can put the times off, ms."""
    block_size: int = 8192
    """Bytes of a block of its server, which the JSON does not say."""

    @property
    def root(self) -> Node:
        """The top node."""
        return self.nodes[0]

    @property
    def total_time(self) -> float:
        """Time of the execution: the server's own figure, or the root's; ms."""
        return max(self.execution_time or 0.0, self.root.inclusive.time)

    def children(self, node: Node) -> tuple[Node, ...]:
        """The nodes printed right below."""
        return tuple(self.nodes[child] for child in node.children)

    def ancestors(self, node: Node) -> tuple[Node, ...]:
        """The nodes above, nearest first."""
        found = []
        while node.parent is not None:
            node = self.nodes[node.parent]
            found.append(node)
        return tuple(found)

    def subtree(self, node: Node) -> tuple[Node, ...]:
        """The node and everything below it, in printed order."""
        end = node.index + 1
        while end < len(self.nodes) and self.nodes[end].depth > node.depth:
            end += 1
        return self.nodes[node.index : end]

    def heaviest_by_time(self) -> Node | None:
        """The node that took most time by itself; None without ANALYZE."""
        return self._heaviest(lambda node: node.exclusive.time)

    def heaviest_by_buffers(self) -> Node | None:
        """The node that visited most blocks by itself; None where buffers were not counted."""
        return self._heaviest(lambda node: node.exclusive.blocks)

    def heaviest_by_misestimate(self) -> Node | None:
        """The node whose estimate is furthest off, at least twofold; None where all are near."""
        found = self._heaviest(lambda node: node.misestimate)
        return found if found is not None and found.misestimate >= 2 else None

    def heaviest_by_cost(self) -> Node | None:
        """The node whose own share of the estimated cost is largest: what is known without ANALYZE."""
        return self._heaviest(self.own_cost)

    def own_cost(self, node: Node) -> float:
        """What of the root's estimated cost is this node's by itself; over all nodes they sum to the root's.

        A parent that costs less than its children (a LIMIT, a merge join that ends early) reads only a part
        of them; what is below counts by that part.
        """
        return self._own_costs[node.index]

    @cached_property
    def _own_costs(self) -> tuple[float, ...]:
        parts = [1.0] * len(self.nodes)
        found = []
        for node in self.nodes:  # parents before children
            below = sum(child.total_cost for child in self.children(node))
            part = parts[node.index]
            found.append(part * max(node.total_cost - below, 0.0))
            if below > node.total_cost:
                part *= node.total_cost / below
            for child in node.children:
                parts[child] = part
        return tuple(found)

    def _heaviest(self, weight: Callable[[Node], float]) -> Node | None:
        best = max(self.nodes, key=weight)
        return best if weight(best) > 0 else None
