"""Keeping a plan that was made, beside the earlier ones of its statement."""

from __future__ import annotations

from pgscope.capture.plan_store import PlanStore, StoredPlan
from pgscope.dataclass import dataclass
from pgscope.server.explain import ExplainRequest, ExplainResult


@dataclass(frozen=True)
class Kept:
    """What came of keeping a plan: the one kept before of the same kind, and why it is not kept."""

    before: StoredPlan | None = None
    problem: str = ""


def keep(store: PlanStore, request: ExplainRequest, result: ExplainResult, now: float) -> Kept:
    """Keep what EXPLAIN of the request gave; `now` in seconds since the epoch."""
    queryid = request.queryid if request.queryid is not None else result.identifier
    plan = StoredPlan(
        now,
        result.server,
        result.database,
        queryid,
        request.text,
        result.analyzed,
        result.document,
        result.block_size,
    )
    before = None
    try:
        known = store.plans(result.server, result.database, queryid, request.text)
        before = next((one for one in known if one.analyzed == plan.analyzed), None)
        store.save(plan)
    except OSError as error:
        return Kept(before, f"the plan is not kept: {error.strerror or error}")
    return Kept(before)
