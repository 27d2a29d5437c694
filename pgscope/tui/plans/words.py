"""What the plan screen says in words: of the whole plan, of one node, of what to try."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from pgscope.analysis.plan import Node, Plan
from pgscope.report.plan_text import buffers, details, milliseconds, number, size, times_off, title, totals
from pgscope.text import clean
from pgscope.tui.facts import Fact, flow
from pgscope.tui.glyphs import Signs
from pgscope.tui.plans.reading import Reading
from pgscope.tui.tones import styled

_TOLD = frozenset(
    (
        *("Node Type", "Parent Relationship", "Subplan Name", "Relation Name", "Schema", "Alias"),
        *("Index Name", "Join Type", "Strategy", "Partial Mode", "Parallel Aware", "Async Capable"),
        *("Startup Cost", "Total Cost", "Plan Rows", "Plan Width", "Actual Rows", "Actual Loops"),
        *("Actual Startup Time", "Actual Total Time", "Workers", "Workers Planned", "Workers Launched"),
        *("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter"),
        *("One-Time Filter", "TID Cond", "Sort Key", "Presorted Key", "Group Key", "Cache Key", "Order By"),
        *("Remote SQL", "Rows Removed by Filter", "Rows Removed by Join Filter", "Disabled"),
        *("Rows Removed by Index Recheck", "Heap Fetches", "Lossy Heap Blocks", "Subplans Removed"),
        *("Sort Method", "Sort Space Used", "Sort Space Type", "Scan Direction"),
    )
)
"""Keys that the figures or `details` tell already; every other key of a node is listed as it is."""
_TOLD_ENDINGS = (" Blocks", " Read Time", " Write Time")


def summary(reading: Reading) -> list[Fact]:
    """The whole plan in one line, what matters most with the highest priority."""
    plan = reading.plan
    facts = []
    if plan.analyzed:
        facts.append(Fact("ran", f"{milliseconds(plan.total_time)} ms", "heading", priority=9))
        if plan.has_buffers:
            whole = plan.root.inclusive
            facts.append(
                Fact("blocks", f"{number(whole.blocks)} ({size(whole.blocks, plan.block_size)})", priority=8)
            )
            facts.append(Fact("read", number(whole.shared_read), priority=6))
            if whole.temp:
                facts.append(Fact("temp", number(whole.temp), "warn", priority=7))
        facts.append(Fact("rows", number(plan.root.rows_total or 0), priority=5))
    else:
        facts.append(Fact("", "not run (E runs it)", "heading", priority=9))
        facts.append(Fact("cost", f"{plan.root.total_cost:,.0f}", priority=8))
        facts.append(Fact("rows", f"about {number(plan.root.plan_rows)}", priority=7))
    if plan.planning_time is not None:
        facts.append(Fact("planning", f"{milliseconds(plan.planning_time)} ms", priority=3))
    if plan.jit_time:
        facts.append(Fact("JIT", f"{milliseconds(plan.jit_time)} ms", priority=2))
    return facts


def tip_lines(reading: Reading, signs: Signs) -> list[Content]:
    """What to try, at most three, the costliest first."""
    if not reading.plan.analyzed:
        return [styled("Tips rest on what a run did: E runs it (ANALYZE), asking first.", "muted")]
    if not reading.tips:
        return [styled("Nothing stands out: no tip.", "good")]
    lines = []
    for place, tip in enumerate(reading.tips, 1):
        lines.append(
            Content.assemble(
                styled(f"{place} {signs.text(clean(tip.where, lines=False))}: ", "heading"),
                Content(signs.text(clean(tip.seen, lines=False))),
            )
        )
        lines.append(Content.assemble(styled("  try ", "accent"), signs.text(clean(tip.advice, lines=False))))
    return lines


def about_lines(reading: Reading, width: int, signs: Signs) -> list[Content]:
    """Which server made it, as whom, with which values, and what else is to be said of it."""
    lines = []
    if reading.changed:
        changed = reading.changed.startswith("plan changed")
        lines.append(styled(signs.text(reading.changed), "warn" if changed else "normal"))
    lines += [
        styled(signs.text(f"{signs.notice} {clean(note, lines=False)}"), "warn") for note in reading.notes
    ]
    facts = [Fact(label, signs.text(clean(value, lines=False))) for label, value in reading.about]
    lines.append(flow(facts, width))
    lines += [Content(signs.text(line)) for line in totals(reading.plan)]
    return lines


def node_lines(plan: Plan, node: Node, signs: Signs) -> list[Content]:
    """One node in full: rows, time, buffers, conditions, and whatever else the server says of it."""
    lines = [styled(signs.text(title(node)), "heading")]
    if node.never_executed:
        lines.append(styled("never executed", "warn"))
    elif plan.analyzed:
        lines += _measured(plan, node)
    cost = f"cost {node.startup_cost:,.2f} to {node.total_cost:,.2f}"
    rows = "row" if node.plan_rows == 1 else "rows"
    estimate = f"estimated {number(node.plan_rows)} {rows} of {number(node.plan_width)} bytes"
    lines.append(Content(f"{cost}, {estimate}"))
    lines += [Content(signs.text(line)) for line in details(node)]
    others = [
        f"{key}: {_plain(value)}"
        for key, value in node.raw.items()
        if key not in _TOLD and not key.endswith(_TOLD_ENDINGS) and value not in (None, "", [], False)
    ]
    lines += [styled(signs.text(clean(line, lines=False))) for line in others]
    lines += [styled(signs.text(line)) for line in _workers(node)]
    if node.raw.get("Disabled") is True:
        lines.append(styled("Disabled: the planner had no other way left", "warn"))
    return lines


def _measured(plan: Plan, node: Node) -> list[Content]:
    loops = node.loops or 0
    each = f"{node.actual_rows:,.2f}".rstrip("0").rstrip(".") if node.actual_rows is not None else "?"
    rows = f"rows {number(node.rows_total or 0)}, estimated {number(node.plan_rows_total)}"
    if loops != 1:
        rows += f", in {number(loops)} loops of {each}, estimated {number(node.plan_rows)}"
    off = times_off(node)
    lines = [
        Content.assemble(Content(rows), styled(f"  off {off}", "warn") if off else Content("")),
        Content(
            f"time by itself {milliseconds(node.exclusive.time)} ms,"
            f" all below included {milliseconds(node.inclusive.time)} ms"
        ),
    ]
    if plan.has_buffers:
        lines.append(Content(f"blocks by itself {buffers(node.exclusive, plan.block_size)}"))
        if node.children:
            lines.append(Content(f"all below included {buffers(node.inclusive, plan.block_size)}"))
    return lines


def _workers(node: Node) -> list[str]:
    """A line for each parallel worker, which the figures of the node hold already."""
    workers = node.raw.get("Workers")
    if not isinstance(workers, list):
        return []
    lines = []
    for worker in workers:
        if not isinstance(worker, Mapping):
            continue
        facts = [
            f"{key.lower()} {_plain(worker[name])}"
            for key, name in (
                ("rows", "Actual Rows"),
                ("loops", "Actual Loops"),
                ("ms", "Actual Total Time"),
                ("hit", "Shared Hit Blocks"),
                ("read", "Shared Read Blocks"),
                ("sort", "Sort Method"),
                ("kB", "Sort Space Used"),
            )
            if name in worker
        ]
        lines.append(clean(f"worker {_plain(worker.get('Worker Number'))}: {', '.join(facts)}", lines=False))
    return lines


def _plain(value: object) -> str:
    """A value of the JSON on one line, not endlessly long."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value[:50])
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in list(value.items())[:50])
    return str(value)[:2000]
