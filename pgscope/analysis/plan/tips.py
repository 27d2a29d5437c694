"""At most three things to try on a plan, the costliest first."""

from __future__ import annotations

from pgscope.analysis.plan import rules_memory, rules_scan, rules_whole
from pgscope.analysis.plan.model import Plan
from pgscope.analysis.plan.tip import Tip

MOST = 3
_RULES = (*rules_scan.RULES, *rules_memory.RULES, *rules_whole.RULES)


def all_tips(plan: Plan) -> tuple[Tip, ...]:
    """Every rule's findings on an analysed plan, the costliest first; none for a plan that was not run."""
    if not plan.analyzed:
        return ()
    found = [tip for rule in _RULES for tip in rule(plan)]
    return tuple(sorted(found, key=lambda tip: -tip.weight))


def tips(plan: Plan) -> tuple[Tip, ...]:
    """The three costliest, one of a kind for a node."""
    chosen: list[Tip] = []
    for tip in all_tips(plan):
        same = any(tip.rule == other.rule and tip.advice == other.advice for other in chosen)
        if not same:
            chosen.append(tip)
    return tuple(chosen[:MOST])
