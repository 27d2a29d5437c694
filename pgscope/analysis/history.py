"""The load over a whole watch, however long: averages over spans that grow with it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from pgscope.analysis.load import LoadPoint
from pgscope.dataclass import dataclass

_MOST = 400
"""Spans; with more of them, two become one."""


class LoadSpan(NamedTuple):
    """Active sessions on average over a span, by application."""

    start: float
    """Epoch seconds by the server's clock."""
    seconds: float
    active: dict[str, float]


@dataclass
class _Sum:
    points: int
    active: Counter[str]


class LoadHistory:
    """A fold over load points."""

    def __init__(self) -> None:
        self._width = 1.0
        self._spans: dict[int, _Sum] = {}

    def feed(self, point: LoadPoint) -> None:
        """Take in one point."""
        span = self._spans.setdefault(int(point.at // self._width), _Sum(0, Counter()))
        span.points += 1
        for (who, _), count in point.active.items():
            span.active[who.application_name] += count
        while len(self._spans) > _MOST:
            self._widen()

    def _widen(self) -> None:
        self._width *= 2.0
        spans, self._spans = self._spans, {}
        for number, one in spans.items():
            into = self._spans.setdefault(number // 2, _Sum(0, Counter()))
            into.points += one.points
            into.active.update(one.active)

    @property
    def spans(self) -> tuple[LoadSpan, ...]:
        """Oldest first; those without a poll are left out."""
        return tuple(
            LoadSpan(
                number * self._width,
                self._width,
                {name: count / one.points for name, count in one.active.items()},
            )
            for number, one in sorted(self._spans.items())
        )
