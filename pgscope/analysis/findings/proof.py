"""From a pair of statements to its evidence and grade: confirmed takes two kinds of evidence."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.findings.conservation import STRENGTH_ALONE
from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Evidence
from pgscope.analysis.findings.pairs import Pair
from pgscope.analysis.findings.relation import Relationship
from pgscope.analysis.findings.runbook import Loop
from pgscope.analysis.findings.series import Group
from pgscope.text import plural


def grade(context: Context, pair: Pair) -> tuple[str, tuple[Evidence, ...]]:
    """Grade and evidence of a pair; '' where it is not enough to be shown."""
    loop = context.book.loop(pair.child.keys, pair.parent.keys)
    tags = context.tags.shared(pair.child.keys, pair.parent.keys)
    verdict, tie = pair.verdict, pair.tie
    runs = loop is not None and (loop.after_parent > 0 or loop.runs >= 2)
    # A parent of a millisecond may fall between two looks: two runs in transactions will do.
    after = loop is not None and (loop.after_parent > 0 or (loop.in_transaction and loop.runs >= 2))
    if verdict.needs_run and not after:
        result = ""
    elif verdict.kind == "rows":
        keyed = tie is not None and (
            tie.kind != "reload" or verdict.exact is not None or verdict.fit.strength >= STRENGTH_ALONE
        )
        sure = (keyed or runs or tags) if verdict.strong else after
        guessed = verdict.needs_run and verdict.exact is None
        result = "confirmed" if sure and not guessed else "likely"
    elif verdict.kind == "constant" or verdict.strong:
        result = "confirmed" if after else "likely"
    else:
        result = "likely"
    return result, evidence_with(
        context, _conservation(pair), pair.child, pair.parent, tie, pair.applications
    )


def evidence_with(
    context: Context,
    conservation: Evidence,
    child: Group,
    parent: Group,
    tie: Relationship | None,
    applications: Sequence[str],
) -> tuple[Evidence, ...]:
    """All that speaks for a child that is called for each row of a parent, with what their numbers say."""
    found = [conservation]
    loop = context.book.loop(child.keys, parent.keys)
    if loop is not None:
        found.append(_run(loop))
    if tie is not None:
        found.append(_tie(tie, writes=not child.shape.looks_up))
    tags = context.tags.shared(child.keys, parent.keys)
    if tags:
        found.append(Evidence("tag", f"both statements come from {tags}"))
    return (*found, _who(context, child, parent, applications))


def _conservation(pair: Pair) -> Evidence:
    f, kind, met = pair.verdict.fit, pair.verdict.kind, pair.verdict.exact
    numbers: dict[str, float] = {
        "windows": f.windows,
        "parent_windows": f.active,
        "correlation": round(f.correlation, 4),
        "partial_correlation": round(f.partial, 4),
        "slope": round(f.slope, 4),
        "intercept_per_window": round(f.intercept, 3),
        "calls_per_row": round(f.ratio, 4),
        "calls_per_parent_call": round(f.calls_per_parent, 3),
        "rows_per_parent_call": round(f.rows_per_call, 3),
    }
    if kind == "rows":
        each = "one call" if pair.verdict.per_row == 1 else f"{pair.verdict.per_row} calls"
        text = (
            f"{each} for each row of the parent: slope {f.slope:.2f}, correlation {f.correlation:.2f} "
            f"over {f.windows} windows ({f.partial:.2f} with the parent's calls held fixed)"
        )
        if met is not None:
            numbers |= {"exact_stretches": met.stretches, "exact_windows": met.windows}
            text = (
                f"{each} for each row of the parent, to the last one, in {met.stretches} stretches of "
                f"{met.sizes} page sizes ({met.windows} of {f.windows} windows); correlation "
                f"{f.correlation:.2f}, slope {f.slope:.2f}"
            )
    elif kind == "constant":
        text = (
            f"{f.ratio:.2f} calls for each row of the parent over {f.windows} windows; its pages are all "
            f"of about {f.rows_per_call:.0f} rows, so rows and calls cannot be told apart"
        )
    else:
        text = (
            f"{f.calls_per_parent:.1f} calls for each call of the parent, {f.ratio:.2f} for each row: each "
            "owner once a page (an identity map or cache), or pages that do not ask; correlation "
            f"{max(f.correlation, f.partial):.2f} over {f.windows} windows"
        )
    return Evidence("conservation", text, numbers)


def _run(loop: Loop) -> Evidence:
    """What probes saw of its runs."""
    where = "one transaction" if loop.in_transaction else "one tight sequence of a session"
    after = f", {loop.after_parent} of them after the parent" if loop.after_parent else ""
    text = f"up to {loop.longest} executions seen in {where}; {loop.runs} such runs{after}"
    numbers = {"longest": loop.longest, "runs": loop.runs, "after_parent": loop.after_parent}
    return Evidence("run", text, numbers)


def _tie(tie: Relationship, *, writes: bool = False) -> Evidence:
    """How the child hangs on the parent."""
    if tie.kind == "reload":
        does = "writes" if writes else "reads again"
        return Evidence("key", f"the child {does}, by {tie.column}, a row the parent returned")
    how = "collection (one to many)" if tie.kind == "collection" else "reference (many to one)"
    return Evidence(
        "foreign key", f"{tie.from_table} to {tie.to_table} by {tie.column} ({tie.constraint}): a {how}"
    )


def _who(context: Context, child: Group, parent: Group, applications: Sequence[str]) -> Evidence:
    """Which application runs both, as far as that was seen."""
    shared = context.sightings.shared(child.keys, parent.keys)
    if applications:
        text = f"application {_listed(applications)}"
    else:
        text = "no application was seen running both statements yet"
        # A parent that runs for a millisecond may not have been seen at all.
        for which, group in (("parent", parent), ("child", child)):
            if alone := context.sole(group):
                text += f"; {_listed(alone)} runs nearly all of the {which}"
                break
    if shared:
        was = "was" if len(shared) == 1 else "were"
        text += f"; {plural(len(shared), 'session')} {was} seen with both statements"
    return Evidence("application", text, {"sessions_with_both": len(shared)})


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name or "(no name)" for name in names)
