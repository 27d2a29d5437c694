"""A sparse symmetric positive linear problem: factored once, solved for several right sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

_ROUNDING = 1e-10
"""Part of a diagonal element that can be lost to rounding where constraints repeat each other."""


class Factor:
    """L D L' of a matrix given as one mapping for each line, eliminated in the order given."""

    def __init__(self, matrix: list[dict[int, float]], order: Sequence[int]) -> None:
        """Takes the matrix over: its lines are used up. Both halves must be in it."""
        self._order = order
        self._turn = {number: turn for turn, number in enumerate(order)}
        self._pivots: dict[int, float] = {}
        self._below: dict[int, list[tuple[int, float]]] = {}
        self.work = 0
        diagonal = [line[number] for number, line in enumerate(matrix)]
        for number in order:
            line = matrix[number]
            pivot = max(line.pop(number), diagonal[number] * _ROUNDING, 1e-30)
            entries = list(line.items())
            self._pivots[number] = pivot
            self._below[number] = [(other, value / pivot) for other, value in entries]
            self.work += len(entries) ** 2
            for other, value in entries:
                target, part = matrix[other], value / pivot
                del target[number]
                for third, third_value in entries:
                    target[third] = target.get(third, 0.0) - part * third_value

    def solve(self, right: Sequence[float]) -> list[float]:
        """The solution for a right side."""
        solved = list(right)
        for number in self._order:
            value = solved[number]
            if value:
                for other, part in self._below[number]:
                    solved[other] -= part * value
        for number in reversed(self._order):
            value = solved[number] / self._pivots[number]
            for other, part in self._below[number]:
                value -= part * solved[other]
            solved[number] = value
        return solved

    def square(self, right: Mapping[int, float]) -> float:
        """The right side times the solution for it."""
        left = dict(right)
        # Only what the right side leads to, in the order of elimination: of thousands of lines a few.
        turns = [self._turn[number] for number in left]
        heapify(turns)
        result = 0.0
        while turns:
            number = self._order[heappop(turns)]
            value = left.pop(number)
            if not value:
                continue
            result += value * value / self._pivots[number]
            for other, part in self._below[number]:
                if other in left:
                    left[other] -= part * value
                else:
                    left[other] = -part * value
                    heappush(turns, self._turn[other])
        return result
