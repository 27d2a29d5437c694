"""EXPLAIN on demand: guarded, on a connection of its own, in a transaction that is rolled back."""

from pgscope.server.explain.memory import Failures
from pgscope.server.explain.request import (
    ExplainFailed,
    ExplainRequest,
    ExplainResult,
    Lift,
    Obstacle,
    Origin,
    Pick,
    Refused,
)
from pgscope.server.explain.runner import Offer, explain, identity, offer
from pgscope.server.explain.session import Started

__all__ = [
    "ExplainFailed",
    "ExplainRequest",
    "ExplainResult",
    "Failures",
    "Lift",
    "Obstacle",
    "Offer",
    "Origin",
    "Pick",
    "Refused",
    "Started",
    "explain",
    "identity",
    "offer",
]
