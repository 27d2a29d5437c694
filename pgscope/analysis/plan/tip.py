"""What a tip is, and the figures in its words."""

from __future__ import annotations

from pgscope.analysis.plan.conditions import relation_name
from pgscope.analysis.plan.model import Node
from pgscope.dataclass import dataclass

TRIVIAL_COST = 10.0
TRIVIAL_PAGES = 10.0


@dataclass(frozen=True)
class Tip:
    """Something worth trying on a plan: what was seen, where, what to try, and the time at stake in ms."""

    rule: str
    node: int | None
    """Place of the node in `Plan.nodes`; None for the statement as a whole."""
    seen: str
    where: str
    advice: str
    weight: float


def where(node: Node) -> str:
    """The node as a tip names it."""
    return f"{node.label} on {node.target}" if node.target else node.label


def table(node: Node) -> str:
    """The node's table as SQL writes it."""
    return relation_name(node.schema, node.relation)


def count(value: float) -> str:
    """A number of rows, blocks or loops."""
    return f"{value:,.0f}"


def percent(part: float, whole: float) -> str:
    """A share, never rounded up to all."""
    share = 100 * part / whole if whole else 0.0
    return f"{min(share, 99.9):.1f}%" if share > 99 and part < whole else f"{share:.0f}%"


def memory(kilobytes: float) -> str:
    """A round work_mem that is at least so large."""
    megabytes = max(kilobytes / 1024, 1.0)
    step = 1.0
    while step < megabytes:
        step *= 2
    three_quarters = step * 3 / 4
    return f"{int(three_quarters if three_quarters >= megabytes and step >= 4 else step)}MB"
