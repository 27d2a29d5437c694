"""The tree of a plan: folding, and the way to the heaviest nodes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from pgscope.analysis.plan import Node, Plan
from pgscope.tui.glyphs import Signs
from pgscope.tui.plans.reading import Reading
from pgscope.tui.rows import plan as plan_rows
from pgscope.tui.table import LiveTable, Row
from pgscope.tui.table.keys import BINDINGS as TABLE_KEYS

_NOT_HERE = frozenset({"table.sort", "table.sort_reverse", "table.open"})


class PlanTree(LiveTable, inherit_bindings=False):
    """Shows one plan; its rows stay in the order of the plan."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(binding for binding in TABLE_KEYS if binding.id not in _NOT_HERE),
        Binding("enter", "open", "Node", tooltip="The node under the cursor in full", id="plan.details"),
        Binding(
            "t", "heaviest('time')", "Time", tooltip="The node that took most time (or cost)", id="plan.time"
        ),
        Binding(
            "b",
            "heaviest('buffers')",
            "Blocks",
            tooltip="The node that visited most blocks",
            id="plan.buffers",
        ),
        Binding(
            "m",
            "heaviest('misestimate')",
            "Off",
            tooltip="The node whose estimate is furthest off",
            id="plan.misestimate",
        ),
        Binding(
            "z", "fold", "Fold", tooltip="Fold or unfold what is below the node", id="plan.fold", show=False
        ),
        Binding("Z", "unfold_all", "Unfold all", tooltip="Unfold everything", id="plan.unfold", show=False),
    ]

    def __init__(self, signs: Signs) -> None:
        super().__init__((), sort=None, placeholder="", id="plan-tree")
        self._signs = signs
        self._reading: Reading | None = None
        self._folded: set[int] = set()

    def show_reading(self, reading: Reading) -> None:
        """Show a plan from its root."""
        self._reading = reading
        self._folded = set()
        self.set_columns(plan_rows.columns(reading.plan), self._make())
        self.action_home()

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        key = self.cursor_key
        if self._reading is None or not isinstance(key, int):
            return None
        return self._reading.plan.nodes[key]

    def _make(self) -> list[Row]:
        assert self._reading is not None
        marks = {
            tip.node: str(place) for place, tip in enumerate(self._reading.tips, 1) if tip.node is not None
        }
        return plan_rows.rows(self._reading.plan, self._folded, marks, self._signs)

    def go_to(self, index: int) -> None:
        """Put the cursor on a node, unfolding what hides it."""
        if self._reading is None:
            return
        plan = self._reading.plan
        above = {node.index for node in plan.ancestors(plan.nodes[index])}
        if above & self._folded:
            self._folded -= above
            self.set_rows(self._make())
        self.move_to_key(index)

    def action_heaviest(self, by: str) -> None:
        """Go to the node that weighs most."""
        if self._reading is None:
            return
        found, nothing = _heaviest(self._reading.plan, by)
        if found is None:
            self.app.notify(nothing)
        else:
            self.go_to(found.index)

    def action_fold(self) -> None:
        """Fold or unfold what is below the node; on a leaf, what it is part of."""
        node = self.node
        if node is None or self._reading is None:
            return
        if not node.children and node.parent is not None:
            node = self._reading.plan.nodes[node.parent]
        self._folded ^= {node.index}
        self.set_rows(self._make())
        self.move_to_key(node.index)

    def action_unfold_all(self) -> None:
        """Show every node."""
        if self._folded and self._reading is not None:
            self._folded.clear()
            self.set_rows(self._make())


def _heaviest(plan: Plan, by: str) -> tuple[Node | None, str]:
    """The node, or why there is none."""
    if by == "time":
        return (plan.heaviest_by_time() or plan.heaviest_by_cost()), "No node took any time"
    if by == "buffers":
        nothing = (
            "Buffers are counted when it runs: E runs it" if not plan.analyzed else "No block was visited"
        )
        return plan.heaviest_by_buffers(), nothing
    nothing = (
        "Estimates can be judged when it has run: E runs it"
        if not plan.analyzed
        else "All estimates are near"
    )
    return plan.heaviest_by_misestimate(), nothing
