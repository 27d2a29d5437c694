"""Plans: read from EXPLAIN's JSON, what each node cost by itself, what to try, what changed."""

from pgscope.analysis.plan.amounts import Amounts
from pgscope.analysis.plan.model import Node, Plan, PlanError, Trigger
from pgscope.analysis.plan.reader import parse

__all__ = ["Amounts", "Node", "Plan", "PlanError", "Trigger", "parse"]
