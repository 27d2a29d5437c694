"""The rows of plans that were kept, and of two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from pgscope.analysis.filter import Getters
from pgscope.analysis.plan import Node, Plan, PlanError, parse
from pgscope.analysis.plan.diff import Pair, one_line
from pgscope.capture.explaining import StoredPlan
from pgscope.dataclass import dataclass
from pgscope.report.plan_text import milliseconds, number, title
from pgscope.text import clean
from pgscope.text import one_line as on_one_line
from pgscope.tui.glyphs import Signs
from pgscope.tui.plans.reading import when
from pgscope.tui.table import Cell, Column, Row

COLUMNS = (
    Column("at", "kept", width=19, fixed=True, priority=99, descending=True),
    Column("run", "run", width=4, priority=70, tooltip="Whether it was run (ANALYZE) or planned only"),
    Column("cost", "cost", width=9, justify="right", priority=60, tooltip="Estimated cost"),
    Column("time", "ms", width=7, justify="right", priority=80, tooltip="Time of the run"),
    Column("blocks", "blocks", width=7, justify="right", priority=85, tooltip="Blocks visited"),
    Column("rows", "rows", width=7, justify="right", priority=40, tooltip="Rows, or the estimate in ()"),
    Column(
        "changed",
        "against the one before",
        min_width=20,
        weight=2,
        priority=75,
        tooltip="What changed since the plan of the same statement that was kept before",
    ),
    Column("queryid", "queryid", min_width=10, max_width=20, weight=0.3, priority=30),
    Column("database", "database", min_width=8, max_width=16, weight=0.3, priority=35),
    Column("server", "server", min_width=10, max_width=36, weight=0.3, priority=20),
    Column("query", "statement", min_width=14, weight=3, priority=65),
)

SIDE_BY_SIDE = (
    Column("before", "before", min_width=22, weight=1, sortable=False, priority=99),
    Column("after", "after", min_width=22, weight=1, sortable=False, priority=98),
    *(
        Column(key, head, width=7, justify="right", sortable=False, priority=priority, tooltip=tooltip)
        for key, head, priority, tooltip in (
            ("blocks1", "blk bef", 90, "Own blocks before"),
            ("blocks2", "blk aft", 91, "Own blocks after"),
            ("ms1", "ms bef", 80, "Own time before"),
            ("ms2", "ms aft", 81, "Own time after"),
            ("rows1", "rows bef", 60, "Rows before; the estimate if it was not run"),
            ("rows2", "rows aft", 61, "Rows after; the estimate if it was not run"),
            ("cost1", "cost bef", 50, "Own estimated cost before"),
            ("cost2", "cost aft", 51, "Own estimated cost after"),
        )
    ),
)


@dataclass(frozen=True)
class KeptPlan:
    """A plan of the store that can be read, with what changed since the one before it."""

    stored: StoredPlan
    plan: Plan
    changed: str

    @property
    def key(self) -> tuple[object, ...]:
        """What names it."""
        return (self.stored.at, *self.statement, self.stored.analyzed)

    @property
    def statement(self) -> tuple[object, ...]:
        """What names its statement, on its server and database."""
        return _statement(self.stored)


def _statement(stored: StoredPlan) -> tuple[object, ...]:
    return (stored.server, stored.database, stored.queryid if stored.queryid is not None else stored.text)


def read(stored: Sequence[StoredPlan]) -> list[KeptPlan]:
    """Parse plans, the newest first; each is compared with the one before of its statement and kind."""
    last: dict[tuple[object, ...], Plan] = {}
    found = []
    for one in sorted(stored, key=lambda plan: plan.at):
        try:
            plan = parse(one.document, one.block_size)
        except PlanError:
            continue
        kind = (*_statement(one), one.analyzed)
        before = last.get(kind)
        found.append(KeptPlan(one, plan, one_line(before, plan) if before is not None else ""))
        last[kind] = plan
    return found[::-1]


GETTERS: Getters[KeptPlan] = {
    "": lambda one: (
        one.stored.text,
        one.stored.database,
        one.stored.server,
        one.changed,
        str(one.stored.queryid),
    ),
    "db": lambda one: one.stored.database,
    "query": lambda one: one.stored.text,
}


def rows(plans: Sequence[KeptPlan], signs: Signs) -> list[Row]:
    """A row for each plan."""
    made = []
    for one in plans:
        root = one.plan.root
        ran = one.plan.analyzed
        values = (
            one.stored.at,
            ran,
            root.total_cost,
            one.plan.total_time if ran else None,
            root.inclusive.blocks if ran and one.plan.has_buffers else None,
            root.rows_total if ran else root.plan_rows,
            one.changed,
            one.stored.queryid,
            one.stored.database,
            one.stored.server,
            one.stored.text[:200],
        )
        made.append(Row(one.key, partial(_cells, one, signs), values))
    return made


def _cells(one: KeptPlan, signs: Signs) -> tuple[Cell | str, ...]:
    plan, root, stored = one.plan, one.plan.root, one.stored
    changed = one.changed.startswith("plan changed")
    return (
        when(stored.at),
        "ran" if plan.analyzed else "plan",
        f"{root.total_cost:,.0f}" if root.total_cost < 1e6 else number(root.total_cost),
        milliseconds(plan.total_time) if plan.analyzed else "",
        number(root.inclusive.blocks) if plan.analyzed and plan.has_buffers else "",
        number(root.rows_total or 0) if plan.analyzed else f"({number(root.plan_rows)})",
        Cell(signs.text(clean(one.changed, lines=False)), "warn" if changed else "muted"),
        str(stored.queryid) if stored.queryid is not None else "",
        signs.text(clean(stored.database, lines=False)),
        signs.text(clean(stored.server, lines=False)),
        signs.text(on_one_line(clean(stored.text)[:1000])),
    )


def pair_rows(pairs: Sequence[Pair], before: Plan, after: Plan, signs: Signs) -> list[Row]:
    """A row for each pair of nodes; what differs stands out, with a sign too."""
    return [
        Row(
            place,
            partial(_pair_cells, pair, before, after, signs),
            tone="warn" if pair.changed else "normal",
            mark=signs.notice if pair.changed else "",
        )
        for place, pair in enumerate(pairs)
    ]


def _pair_cells(pair: Pair, before: Plan, after: Plan, signs: Signs) -> tuple[str, ...]:
    first, second = _figures(pair.before, before), _figures(pair.after, after)
    cells = [_name(pair.before, signs), _name(pair.after, signs)]
    for key in ("blocks", "ms", "rows", "cost"):
        cells += [first[key], second[key]]
    return tuple(cells)


def _name(node: Node | None, signs: Signs) -> str:
    return "  " * min(node.depth, 8) + signs.text(title(node)) if node is not None else signs.dash


def _figures(node: Node | None, plan: Plan) -> Mapping[str, str]:
    if node is None:
        return {"blocks": "", "ms": "", "rows": "", "cost": ""}
    ran = plan.analyzed
    return {
        "blocks": number(node.exclusive.blocks) if ran and plan.has_buffers else "",
        "ms": milliseconds(node.exclusive.time) if ran else "",
        "rows": number((node.rows_total or 0) if ran else node.plan_rows),
        "cost": number(plan.own_cost(node)),
    }
