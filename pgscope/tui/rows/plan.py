"""The rows of a plan: its tree, and what each node cost by itself and with those below it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from pgscope.analysis.plan import Node, Plan
from pgscope.report.plan_text import milliseconds, number, share, size, times_off, title
from pgscope.tui.glyphs import Signs
from pgscope.tui.table import Cell, Column, Row, Tone

_DEEPEST = 12
"""Levels drawn with lines; deeper ones are told by their number."""


def _figure(key: str, head: str, width: int, priority: int, tooltip: str) -> Column:
    return Column(key, head, width=width, justify="right", sortable=False, priority=priority, tooltip=tooltip)


_NODE = Column("node", "node", min_width=34, sortable=False, fixed=True, priority=99)
_PLANNED = (
    _figure("cost", "cost", 11, 90, "Estimated cost, with all that is below"),
    _figure(
        "own_cost",
        "own cost",
        11,
        80,
        "Estimated cost of the node by itself; under a LIMIT, of the part read",
    ),
    _figure("cost%", "cost%", 5, 85, "Its own part of the whole estimated cost"),
    _figure("est", "rows", 8, 95, "Estimated rows of one loop"),
    _figure("width", "width", 6, 40, "Estimated bytes of a row"),
)
_TIMES = (
    _figure("own_ms", "own ms", 7, 97, "Time of the node by itself, all loops"),
    _figure("ms%", "time%", 5, 85, "Its own part of the whole time"),
    _figure("ms", "all ms", 7, 55, "Time with all that is below"),
)
_ROWS = (
    _figure("rows", "rows", 7, 90, "Rows, all loops together"),
    _figure("est", "est", 7, 50, "Estimated rows, all loops together"),
    _figure("off", "est off", 7, 88, "How far the estimate is off: x more rows than thought, / fewer"),
    _figure("loops", "loops", 6, 60, "How often it ran"),
    _figure("rows/loop", "rows/lp", 7, 45, "Rows of one loop on average"),
    _figure("est/loop", "est/lp", 7, 44, "Estimated rows of one loop"),
)
_BLOCKS = (
    _figure("blocks", "own blk", 7, 95, "Blocks that it visited by itself: hit, read, local and temporary"),
    _figure("blk%", "blk%", 5, 75, "Its own part of all blocks"),
    _figure("size", "size", 7, 58, "Its own blocks as bytes"),
    _figure("hit", "hit", 7, 40, "Own blocks found in shared buffers"),
    _figure("read", "read", 7, 57, "Own blocks read from disk or the system's cache"),
    _figure("dirtied", "dirtied", 7, 30, "Own blocks that this statement changed"),
    _figure("written", "written", 7, 31, "Own blocks that it had to write out itself"),
    _figure("local", "local", 6, 28, "Own blocks of temporary tables"),
    _figure("temp", "temp", 7, 52, "Own blocks of temporary files, read and written: what spilled"),
    _figure("io", "I/O ms", 7, 42, "Time in its own reads and writes (track_io_timing)"),
    _figure("all_blocks", "all blk", 7, 50, "Blocks with all that is below"),
    _figure("all_size", "all size", 8, 43, "The same as bytes"),
)


def columns(plan: Plan) -> tuple[Column, ...]:
    """What can be shown of this plan; what fits is chosen by priority."""
    if not plan.analyzed:
        return (_NODE, *_PLANNED)
    return (_NODE, *_TIMES, *_ROWS, *(_BLOCKS if plan.has_buffers else ()))


def rows(plan: Plan, folded: Collection[int], marks: Mapping[int, str], signs: Signs) -> list[Row]:
    """A row for each node that is not folded away; keys are the places of the nodes."""
    shown = []
    hidden_below: int | None = None
    prefixes = _prefixes(plan, signs)
    for node in plan.nodes:
        if hidden_below is not None:
            if node.depth > hidden_below:
                continue
            hidden_below = None
        closed = node.index in folded and bool(node.children)
        if closed:
            hidden_below = node.depth
        count = len(plan.subtree(node)) - 1 if closed else 0
        shown.append(
            Row(
                key=node.index,
                cells=partial(_cells, plan, node, count, signs),
                tone="muted" if node.never_executed else "normal",
                prefix=prefixes[node.index],
                mark="+" if closed else marks.get(node.index, ""),
            )
        )
    return shown


def _prefixes(plan: Plan, signs: Signs) -> list[str]:
    """The lines of the tree before each node, two cells a level."""
    through, branch, last = ("| ", "|-", "`-") if signs.ascii_only else ("│ ", "├ ", "└ ")
    found: list[str] = []
    below: list[str] = []
    for node in plan.nodes:
        if node.parent is None:
            found.append("")
            below.append("")
            continue
        is_last = plan.nodes[node.parent].children[-1] == node.index
        before = below[node.parent]
        line = before + (last if is_last else branch)
        found.append(line if node.depth <= _DEEPEST else f"{'  ' * (_DEEPEST - 2)}{node.depth:>3} ")
        below.append(before + ("  " if is_last else through) if node.depth <= _DEEPEST else before)
    return found


def _some(value: float) -> str:
    return number(value) if value else ""


def _tone_of_share(part: float, whole: float) -> Tone:
    portion = part / whole if whole > 0 else 0.0
    return "bad" if portion >= 0.5 else "warn" if portion >= 0.2 else "normal"


def _cells(plan: Plan, node: Node, folded: int, signs: Signs) -> tuple[Cell | str, ...]:
    name = signs.text(title(node)) + (f"  (+{folded} below)" if folded else "")
    if not plan.analyzed:
        own = plan.own_cost(node)
        whole = plan.root.total_cost
        return (
            name,
            f"{node.total_cost:,.0f}" if node.total_cost >= 100 else f"{node.total_cost:.2f}",
            f"{own:,.0f}" if own >= 100 else f"{own:.2f}",
            Cell(share(own, whole), _tone_of_share(own, whole)),
            number(node.plan_rows),
            number(node.plan_width),
        )
    if node.never_executed:
        return (name, "never") + ("",) * (len(columns(plan)) - 2)
    own_time, whole_time = node.exclusive.time, plan.root.inclusive.time
    off = times_off(node)
    off_tone: Tone = "bad" if node.misestimate >= 100 else "warn" if node.misestimate >= 10 else "normal"
    time_tone = _tone_of_share(own_time, whole_time)
    cells: tuple[Cell | str, ...] = (
        name,
        Cell(milliseconds(own_time), time_tone),
        Cell(share(own_time, whole_time), time_tone),
        milliseconds(node.inclusive.time),
        number(node.rows_total or 0),
        number(node.plan_rows_total),
        Cell(off, off_tone),
        number(node.loops or 0),
        _per_loop(node.actual_rows or 0),
        number(node.plan_rows),
    )
    return cells + (_block_cells(plan, node) if plan.has_buffers else ())


def _per_loop(rows_of_loop: float) -> str:
    """Averages below ten have decimals that say something."""
    if rows_of_loop < 10 and rows_of_loop != int(rows_of_loop):
        return f"{rows_of_loop:.1f}"
    return number(rows_of_loop)


def _block_cells(plan: Plan, node: Node) -> tuple[Cell | str, ...]:
    own, everything = node.exclusive, plan.root.inclusive.blocks
    tone = _tone_of_share(own.blocks, everything)
    return (
        Cell(number(own.blocks), tone),
        Cell(share(own.blocks, everything), tone),
        size(own.blocks, plan.block_size).replace(" ", "") if own.blocks else "",
        _some(own.shared_hit),
        _some(own.shared_read),
        _some(own.shared_dirtied),
        _some(own.shared_written),
        _some(own.local_hit + own.local_read),
        Cell(_some(own.temp), "warn"),
        milliseconds(own.io_time) if own.io_time else "",
        number(node.inclusive.blocks),
        size(node.inclusive.blocks, plan.block_size).replace(" ", "") if node.inclusive.blocks else "",
    )
