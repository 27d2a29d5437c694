"""A plan to read, with where it came from: made just now, or kept from before."""

from __future__ import annotations

import json
import time

from pgscope.analysis.plan import Plan, PlanError, parse
from pgscope.analysis.plan.diff import one_line
from pgscope.analysis.plan.tip import Tip
from pgscope.analysis.plan.tips import tips
from pgscope.capture.explaining import ExplainRequest, ExplainResult, Kept, StoredPlan
from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Reading:
    """All that the screen shows of one plan."""

    plan: Plan
    tips: tuple[Tip, ...]
    document: object
    statement: str
    """The text as the server has it."""
    about: tuple[tuple[str, str], ...]
    """Labels and values: which server made it, as whom, whether it is the same statement."""
    notes: tuple[str, ...]
    changed: str = ""
    """What changed since the plan that was kept before."""

    @property
    def json(self) -> str:
        """The server's own JSON, as plan viewers take it: a list of one."""
        document = self.document if isinstance(self.document, list) else [self.document]
        return json.dumps(document, indent=2, ensure_ascii=False)


def when(at: float) -> str:
    """Epoch seconds as date and time, local."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def reading_of(request: ExplainRequest, result: ExplainResult, kept: Kept) -> Reading:
    """A plan made just now. Raises PlanError."""
    plan = parse(result.document, result.block_size)
    same = {True: "matches: the same statement", False: "differs", None: "not known"}[result.same_statement]
    about = [
        ("made by", result.server + (" (another server than the one watched)" if result.elsewhere else "")),
        ("database", result.database),
        ("as", result.role),
        ("search_path", result.search_path),
        ("Query Identifier", same + (f" ({result.identifier})" if result.identifier is not None else "")),
    ]
    if result.generic:
        about.append(("parameters", "none given: a generic plan, as for any values"))
    about += [
        (f"${number}", f"{origin.value if origin.value is not None else 'NULL'}  ({origin.source})")
        for number, origin in sorted(result.parameters.items())
    ]
    notes = list(result.notes)
    changed = ""
    if kept.before is not None:
        try:
            before = parse(kept.before.document, kept.before.block_size)
            changed = f"{one_line(before, plan)} (since {when(kept.before.at)})"
        except PlanError:
            notes.append("the plan kept before cannot be read")
    if kept.problem:
        notes.append(kept.problem)
    if result.text.strip() != request.text.strip().rstrip("; \n"):
        about.append(("planned as", " ".join(result.text.split())))
    return Reading(plan, tips(plan), result.document, request.text, tuple(about), tuple(notes), changed)


def reading_of_kept(stored: StoredPlan) -> Reading:
    """A plan from the store. Raises PlanError."""
    plan = parse(stored.document, stored.block_size)
    about = [
        ("kept", when(stored.at)),
        ("made by", stored.server),
        ("database", stored.database),
    ]
    if stored.queryid is not None:
        about.append(("queryid", str(stored.queryid)))
    return Reading(plan, tips(plan), stored.document, stored.text, tuple(about), ())
