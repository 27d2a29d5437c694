"""Which node pays for an InitPlan or a CTE: the one that evaluates it, not the one it is printed below.

PostgreSQL runs an InitPlan when a node first needs its value, and a CTE when a CTE Scan first asks for
a row, so their cost is inside that node's figures. Up to 16 an InitPlan's value is named `$0` and its plan
says `InitPlan 1 (returns $0)`; from 17 the value is `(InitPlan 1).col1`. A Gather evaluates what its workers
need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pgscope.analysis.plan.coerce import mapping, strings, text

_RETURNS = re.compile(r"\(returns ([^)]*)\)")
_INIT = re.compile(r"InitPlan (\d+)")
_MENTION = re.compile(r"\$\d+|\(?InitPlan \d+\)?\.col\d+")
_IGNORED = frozenset({"Plans", "Workers", "Subplan Name", "Alias", "Relation Name", "Schema", "Index Name"})


def is_deferred(raw: Mapping[str, object]) -> bool:
    """Whether the node is an InitPlan or CTE: run by another node than its parent in the JSON."""
    return text(raw.get("Parent Relationship")) == "InitPlan"


def cte_name(raw: Mapping[str, object]) -> str:
    """The CTE whose plan this is, or the empty string."""
    name = text(raw.get("Subplan Name"))
    return name[4:] if name.startswith("CTE ") else ""


def outputs(raw: Mapping[str, object]) -> frozenset[str]:
    """How conditions refer to the value of this InitPlan: `$0`, or `InitPlan 1`."""
    name = text(raw.get("Subplan Name"))
    returns = _RETURNS.search(name)
    if returns:
        return frozenset(part.strip() for part in returns.group(1).split(","))
    found = _INIT.match(name)
    return frozenset({f"InitPlan {found.group(1)}"}) if found else frozenset()


def mentions(raw: Mapping[str, object]) -> frozenset[str]:
    """The InitPlan values that a node's own expressions name."""
    found: set[str] = set()
    for key, value in raw.items():
        if key in _IGNORED:
            continue
        for expression in _expressions(value):
            for hit in _MENTION.findall(expression):
                named = _INIT.search(hit)
                found.add(f"InitPlan {named.group(1)}" if named else hit)
    return frozenset(found)


def _expressions(value: object) -> Iterable[str]:
    yield from strings(value)
    if isinstance(value, (list, tuple)):
        for item in value:
            for inner in mapping(item).values():
                yield from strings(inner)


def evaluators(
    top: int, raws: Sequence[Mapping[str, object]], parents: Sequence[int | None], ends: Sequence[int]
) -> list[int]:
    """Nodes that may have evaluated the InitPlan or CTE at `top`, the likeliest first.

    For a CTE, its CTE Scans (each may have paid a part). For an InitPlan, a Gather above a node that names
    its value, then the nodes that name it, deepest first, then the parent in the JSON. `ends` are the ends
    of the subtrees.
    """
    cte = cte_name(raws[top])
    parent = parents[top]
    scope = range(parent if parent is not None else 0, ends[parent] if parent is not None else len(raws))
    within = [index for index in scope if not top <= index < ends[top]]
    if cte:
        return [
            index
            for index in within
            if text(raws[index].get("Node Type")) == "CTE Scan" and text(raws[index].get("CTE Name")) == cte
        ]
    names = outputs(raws[top])
    users = [index for index in within if names & mentions(raws[index])]
    gathers: list[int] = []
    for user in users:
        above: int | None = user
        outermost: int | None = None
        while above is not None and (parent is None or above >= parent):
            if text(raws[above].get("Node Type")) in ("Gather", "Gather Merge"):
                outermost = above
            above = parents[above]
        if outermost is not None and outermost not in gathers:
            gathers.append(outermost)
    depth = {index: _depth(index, parents) for index in users}
    ordered = gathers + [
        index for index in sorted(users, key=lambda i: (-depth[i], i)) if index not in gathers
    ]
    if parent is not None and parent not in ordered:
        ordered.append(parent)
    return ordered


def _depth(index: int, parents: Sequence[int | None]) -> int:
    depth = 0
    above = parents[index]
    while above is not None:
        depth += 1
        above = parents[above]
    return depth
