"""A plan as plain text: the tree with its figures, the conditions on demand, and the tips, for any width."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.plan import Node, Plan
from pgscope.analysis.plan.amounts import Amounts
from pgscope.analysis.plan.coerce import amount
from pgscope.analysis.plan.tip import Tip
from pgscope.dataclass import dataclass

_WIDE = 120
_DETAILS = (
    "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "One-Time Filter",
    "TID Cond", "Sort Key", "Presorted Key", "Group Key", "Cache Key", "Order By", "Remote SQL",
)  # fmt: skip
_AVERAGED = (
    ("Rows Removed by Filter", "rows removed by filter"),
    ("Rows Removed by Join Filter", "rows removed by join filter"),
    ("Rows Removed by Index Recheck", "rows removed by recheck"),
)
"""Counts that the server gives for one loop, without decimals."""
_COUNTS = (
    ("Heap Fetches", "heap fetches"),
    ("Lossy Heap Blocks", "lossy heap blocks"),
    ("Subplans Removed", "subplans removed"),
)


@dataclass(frozen=True)
class Column:
    """A column of figures: its head and its width."""

    head: str
    width: int


def number(value: float) -> str:
    """A count in at most seven characters: 12,345 or 1.2M."""
    for limit, divisor, unit in ((1e5, 1.0, ""), (1e8, 1e3, "k"), (1e11, 1e6, "M"), (1e14, 1e9, "G")):
        if value < limit:
            return f"{value / divisor:,.0f}{unit}"
    return f"{value:.0e}"


def milliseconds(value: float) -> str:
    """A time in ms, with decimals while they matter."""
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 1000 else number(value)


def size(blocks: float, block: int) -> str:
    """Blocks of so many bytes as bytes: 33 MB."""
    value = blocks * block
    for unit in ("B", "kB", "MB", "GB"):
        if value < 10240:
            return f"{value:,.0f} {unit}"
        value /= 1024
    return f"{value:,.0f} TB"


def times_off(node: Node) -> str:
    """How far the estimate is off: x12 where there were more rows than thought, /12 where fewer."""
    if node.misestimate < 2 or node.actual_rows is None:
        return ""
    return ("x" if node.actual_rows > node.plan_rows else "/") + number(node.misestimate)


def share(part: float, whole: float) -> str:
    """A share in percent, empty below one half."""
    value = 100 * part / whole if whole > 0 else 0.0
    return f"{value:.0f}%" if value >= 0.5 else ""


def clean(text: str) -> str:
    """Text of the server with whatever is not printable made a dot."""
    return "".join(char if char.isprintable() else "·" for char in text)


def columns(plan: Plan, width: int) -> list[Column]:
    """The figures that fit beside the tree."""
    if not plan.analyzed:
        return [Column("rows", 8), Column("cost", 10), Column("own cost", 10)]
    chosen = [Column("rows", 8), Column("est", 7), Column("own ms", 9), Column("%", 5)]
    if plan.has_buffers:
        chosen.append(Column("blocks", 8))
    if width >= _WIDE:
        chosen[3:3] = [Column("ms", 9)]
        chosen.insert(1, Column("loops", 8))
        if plan.has_buffers:
            chosen.extend(
                [Column("%", 5), Column("size", 9), Column("read", 8), Column("temp", 8), Column("all", 8)]
            )
    return chosen


def figures(plan: Plan, node: Node, width: int) -> list[str]:
    """The node's figures, one for each of `columns`."""
    if not plan.analyzed:
        return [number(node.plan_rows), f"{node.total_cost:,.0f}", f"{plan.own_cost(node):,.0f}"]
    wide = width >= _WIDE
    if node.never_executed:
        return ["never"] + [""] * (len(columns(plan, width)) - 1)
    own = node.exclusive
    values = [number(node.rows_total or 0)]
    if wide:
        values.append(number(node.loops or 0))
    values += [times_off(node), milliseconds(own.time)]
    if wide:
        values.append(milliseconds(node.inclusive.time))
    values.append(share(own.time, plan.root.inclusive.time))
    if plan.has_buffers:
        values.append(number(own.blocks))
        if wide:
            values += [
                share(own.blocks, plan.root.inclusive.blocks),
                size(own.blocks, plan.block_size),
                number(own.shared_read),
                number(own.temp),
                number(node.inclusive.blocks),
            ]
    return values


def title(node: Node) -> str:
    """The node's name with what it reads, and the name of its subplan."""
    name = f"{node.label} {'using' if node.index_name else 'on'} {node.target}" if node.target else node.label
    return clean(f"{node.subplan}: {name}" if node.subplan else name)


def details(node: Node) -> list[str]:
    """Conditions, keys and counts of a node, a line each."""
    lines = []
    for key in _DETAILS:
        value = node.raw.get(key)
        if isinstance(value, str) and value:
            lines.append(clean(f"{key}: {value}"))
        elif isinstance(value, (list, tuple)) and value:
            lines.append(clean(f"{key}: {', '.join(str(item) for item in value)}"))
    # Over all loops, as the rows beside them are.
    counted = [
        f"{value * (node.loops or 0):,.0f} {name}"
        for key, name in _AVERAGED
        if (value := amount(node.raw.get(key)))
    ]
    counted += [
        f"{value:,} {name}"
        for key, name in _COUNTS
        if isinstance(value := node.raw.get(key), (int, float)) and value
    ]
    space = node.raw.get("Sort Space Used")
    if isinstance(space, (int, float)):
        counted.append(
            f"{str(node.raw.get('Sort Method')).lower()}, {space:,} kB"
            f" {str(node.raw.get('Sort Space Type')).lower()}"
        )
    batches = node.raw.get("Hash Batches", node.raw.get("HashAgg Batches"))
    if isinstance(batches, int) and batches > 1:
        counted.append(f"{batches:,} batches")
    workers = node.workers
    if workers:
        counted.append(f"{workers[1]} of {workers[0]} workers")
    if counted:
        lines.append(clean("; ".join(counted)))
    return lines


def render(plan: Plan, width: int = 80, tips: Sequence[Tip] = (), *, conditions: bool = True) -> str:
    """The plan, its totals and tips as lines of at most `width` columns (at least 60)."""
    width = max(width, 60)
    heads = columns(plan, width)
    room = width - sum(column.width for column in heads)
    lines = [_row("node", [column.head for column in heads], heads, room)]
    for node in plan.nodes:
        indent = _indent(node.depth, room)
        lines.append(_row(indent + title(node), figures(plan, node, width), heads, room))
        if conditions:
            lines += [_cut(" " * (len(indent) + 2) + line, width) for line in details(node)]
    lines += ["", *(_cut(line, width) for line in totals(plan))]
    for place, tip in enumerate(tips, 1):
        lines += ["", *_wrapped(f"{place}. {tip.where}: {tip.seen}.", width, "")]
        lines += _wrapped(f"try {tip.advice}", width, "   ")
    return "\n".join(line.rstrip() for line in lines)


def totals(plan: Plan) -> list[str]:
    """Time, buffers and the rest of the whole statement."""
    lines = []
    times = [
        f"{name} {milliseconds(value)} ms"
        for name, value in (("execution", plan.execution_time), ("planning", plan.planning_time))
        if value is not None
    ]
    if plan.jit_time:
        times.append(f"JIT {milliseconds(plan.jit_time)} ms")
    if times:
        lines.append("time: " + ", ".join(times))
    if plan.analyzed and plan.has_buffers:
        lines.append("blocks: " + buffers(plan.root.inclusive, plan.block_size))
    lines += [
        clean(f"trigger {trigger.name}: {milliseconds(trigger.time)} ms, {trigger.calls:,.0f} calls")
        for trigger in plan.triggers
    ]
    if plan.settings:
        lines.append(
            clean("settings: " + ", ".join(f"{key} = {value}" for key, value in plan.settings.items()))
        )
    if plan.outside.blocks or plan.outside.time:
        lines.append(
            f"after the main query: {plan.outside.blocks:,.0f} blocks, {milliseconds(plan.outside.time)} ms"
            " (a WITH that writes, run to its end)"
        )
    left = plan.unattributed
    beside = -left.time if not left.blocks and any(node.parallel for node in plan.nodes) else 0.0
    if beside > max(plan.time_resolution, 0.02 * plan.root.inclusive.time):
        lines.append(f"beside the rest: {milliseconds(beside)} ms, in which workers ran ahead")
    elif left.blocks or abs(left.time) > max(plan.time_resolution, 0.02 * plan.root.inclusive.time):
        lines.append(f"unattributed: {left.blocks:,.0f} blocks, {left.time:,.2f} ms")
    return lines


def buffers(amounts: Amounts, block: int) -> str:
    """Blocks by kind, with the size of all that was visited."""
    parts = [
        f"{value:,.0f} {name}"
        for name, value in (
            ("hit", amounts.shared_hit),
            ("read", amounts.shared_read),
            ("dirtied", amounts.shared_dirtied),
            ("written", amounts.shared_written),
            ("local", amounts.local_hit + amounts.local_read),
            ("temp read", amounts.temp_read),
            ("temp written", amounts.temp_written),
        )
        if value
    ]
    text = f"{amounts.blocks:,.0f} ({size(amounts.blocks, block)})"
    if parts:
        text += ": " + ", ".join(parts)
    return text + (f"; I/O {milliseconds(amounts.io_time)} ms" if amounts.io_time else "")


def _indent(depth: int, room: int) -> str:
    """Two spaces a level while they fit; deeper levels are told by their number."""
    most = max(room // 2 - 4, 4)
    return "  " * depth if 2 * depth <= most else f"{' ' * (most - len(str(depth)) - 1)}{depth} "


def _row(name: str, values: Sequence[str], heads: Sequence[Column], room: int) -> str:
    cells = "".join(value.rjust(head.width) for value, head in zip(values, heads, strict=True))
    return _cut(name, room - 1).ljust(room) + cells


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _wrapped(line: str, width: int, indent: str) -> list[str]:
    """The line in pieces of the width, the first as indented as `indent` says, the rest three columns."""
    lines, current = [], indent
    for word in clean(line).split():
        if current.strip() and len(current) + 1 + len(word) > width:
            lines.append(current)
            current = "   " + word
        else:
            current = f"{current} {word}" if current.strip() else current + word
    return [*lines, current]
