"""What is to be explained, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from pgscope.capture.explaining import ExplainRequest, ExplainResult, Origin, Started
from pgscope.dataclass import dataclass
from pgscope.errors import PgscopeError
from pgscope.tui.plans.reading import Reading
from pgscope.tui.plans.subject import Subject


@dataclass(frozen=True)
class Job:
    """A statement with the request made of it."""

    subject: Subject
    request: ExplainRequest
    origins: Mapping[int, Origin] = field(default_factory=dict)
    """Where the values of the request came from, which the server side cannot know."""

    def named(self, result: ExplainResult) -> Mapping[int, Origin]:
        """The values of a result, each with where it came from."""
        return {number: self.origins.get(number, origin) for number, origin in result.parameters.items()}


@dataclass(frozen=True)
class Running:
    """On its way. `since` is monotonic seconds; `started` is None until the server has begun."""

    since: float
    started: Started | None = None


@dataclass(frozen=True)
class Ended:
    """It came to no plan: cancelled by the person after so many seconds, or by an error."""

    seconds: float
    error: PgscopeError | None = None


State: TypeAlias = "Running | Ended | Reading"
