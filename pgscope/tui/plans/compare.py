"""Two plans of a statement side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pgscope.analysis.plan.diff import Figure, compare
from pgscope.report.plan_text import milliseconds, number
from pgscope.tui.facts import Fact, flow
from pgscope.tui.frame import Frame
from pgscope.tui.plans.reading import when
from pgscope.tui.rows.plans import SIDE_BY_SIDE, KeptPlan, pair_rows
from pgscope.tui.table import LiveTable
from pgscope.tui.tones import styled


class CompareScreen(Frame):
    """The older at the left, the newer at the right."""

    HELP = (
        "Two plans, node by node: those that differ in kind or in what they read have a sign before them. "
        "Blocks, time and cost are those of the node by itself; rows those of all its loops."
    )
    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    CompareScreen #compare-head { height: auto; padding: 0 1; }
    """

    def __init__(self, way: tuple[str, ...], one: KeptPlan, other: KeptPlan) -> None:
        super().__init__()
        self._way = way
        self._before, self._after = sorted((one, other), key=lambda plan: plan.stored.at)
        self._diff = compare(self._before.plan, self._after.plan)

    def crumbs(self) -> tuple[str, ...]:
        return (*self._way, "compared")

    def compose_body(self) -> Iterable[Widget]:
        yield Static(self._head(), id="compare-head", markup=False)
        yield LiveTable(SIDE_BY_SIDE, sort=None, id="compare")

    def on_mount(self) -> None:
        super().on_mount()
        signs = self.stage.status.signs
        rows = pair_rows(self._diff.pairs, self._before.plan, self._after.plan, signs)
        self.query_one(LiveTable).set_rows(rows)

    def on_resize(self) -> None:
        super().on_resize()
        self.query_one("#compare-head", Static).update(self._head())

    def _head(self) -> Content:
        width = max(20, (self.size.width or self.app.size.width) - 2)
        signs = self.stage.status.signs
        changed = not self._diff.same_shape
        lines = [styled(signs.text(self._diff.summary), "warn" if changed else "good")]
        lines.append(
            Content(f"before: {when(self._before.stored.at)}   after: {when(self._after.stored.at)}")
        )
        if self._before.statement[1:] != self._after.statement[1:]:
            lines.append(styled(f"{signs.notice} these are plans of different statements", "bad"))
        lines.append(flow([fact for figure in self._diff.figures for fact in _fact(figure)], width))
        return Content("\n").join(lines)

    def copied(self) -> str:
        return self._diff.summary

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to filter here."""
        return False if action == "filter" else super().check_action(action, parameters)


def _fact(figure: Figure) -> list[Fact]:
    if figure.before is None and figure.after is None:
        return []
    form = milliseconds if figure.name.endswith("ms") else number
    first = form(figure.before) if figure.before is not None else "?"
    second = form(figure.after) if figure.after is not None else "?"
    return [Fact(figure.name, first if first == second else f"{first} to {second}")]
