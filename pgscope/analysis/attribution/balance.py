"""The balance sheet: unknown calls, non-negative, that must add up to what was counted.

Each unknown is a cell of a column (a statement: its cells add up to its calls, exactly) or stands by itself
(a row's slack). Each row says that a weighted sum of unknowns was measured, give or take. What is not
measured is given by a prior, log-normal around what sampling suggests: wrong by a factor, not by an amount.
The most likely solution comes from a few Gauss-Newton steps, each a linear problem whose columns are
eliminated beforehand, so that the dense part is as small as the number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import mul

_STEPS = 25
_LARGEST_STEP = 5.0
"""A cell changes by this factor in one step at most."""
_SETTLED = 1e-3
"""Stop when no cell changed by more than this part of its column."""


@dataclass
class Cell:
    """An unknown number of calls: log-normal prior with median `guess` and `spread` (sd of the logarithm)."""

    guess: float
    spread: float
    column: int = -1
    """Index of the column it belongs to; -1 for a slack."""
    value: float = 0.0
    """The solution; a positive value beforehand is where the search starts."""


@dataclass
class Row:
    """A measurement: the sum of coefficient times cell is `target`, with standard deviation `sd`."""

    target: float
    sd: float
    terms: dict[int, float] = field(default_factory=dict)
    """Cell index to coefficient."""


class Balance:
    """A system of columns, cells and rows; `solve` it, then ask for values and deviations."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.columns: list[float] = []
        self.rows: list[Row] = []
        self._members: list[list[int]] = []
        self._factor: list[list[float]] = []
        self._variances: list[float] = []
        self._spans: list[float] = []

    def column(self, total: float) -> int:
        """A new column whose cells sum to `total`; its index."""
        self.columns.append(total)
        self._members.append([])
        return len(self.columns) - 1

    def cell(self, guess: float, spread: float, column: int = -1, start: float = 0.0) -> int:
        """A new cell; its index."""
        self.cells.append(Cell(max(guess, 1e-9), spread, column, start))
        if column >= 0:
            self._members[column].append(len(self.cells) - 1)
        return len(self.cells) - 1

    def row(self, target: float, sd: float, terms: dict[int, float]) -> None:
        """A new row; one without terms says nothing and is dropped."""
        if terms:
            self.rows.append(Row(target, max(sd, 1e-9), terms))

    def solve(self) -> int:
        """Find the most likely values; returns the number of steps it took."""
        for cell in self.cells:
            cell.value = cell.value if cell.value > 0 else cell.guess
        self._to_columns()
        for step in range(1, _STEPS + 1):
            if self._step() < _SETTLED:
                return step
        return _STEPS

    def deviation(self, indices: Sequence[int]) -> float:
        """Standard deviation of the sum of some cells of one column, given columns and rows."""
        own, shifts = self._prior(indices)
        touched = [
            sum(coefficient * shifts.get(i, 0.0) for i, coefficient in row.terms.items()) for row in self.rows
        ]
        part = _forward(self._factor, touched)
        return math.sqrt(max(own - sum(map(mul, part, part)), 0.0))

    def deviation_unmeasured(self, indices: Sequence[int]) -> float:
        """Standard deviation of the sum of some cells of one column if there were no rows."""
        return math.sqrt(self._prior(indices)[0])

    def _prior(self, indices: Sequence[int]) -> tuple[float, dict[int, float]]:
        """Variance of the sum without the rows, and its covariance with the column's cells."""
        column = self.cells[indices[0]].column
        variances, members = self._variances, self._members[column]
        mine = sum(variances[i] for i in indices)
        span = self._spans[column]
        part = mine / span if span > 0 else 0.0
        shifts = {i: -variances[i] * part for i in members}
        for i in indices:
            shifts[i] += variances[i]
        return max(mine - mine * part, 0.0), shifts

    # The linear problem around the present values

    def _step(self) -> float:
        cells = self.cells
        self._variances = [(cell.spread * cell.value) ** 2 for cell in cells]
        # A log-normal prior, made linear around the present value.
        means = [cell.value * (1.0 + math.log(cell.guess / cell.value)) for cell in cells]
        variances = self._variances
        self._spans = []
        for column, members in enumerate(self._members):
            span = sum(variances[i] for i in members)
            self._spans.append(span)
            if span > 0:
                off = (self.columns[column] - sum(means[i] for i in members)) / span
                for i in members:
                    means[i] += variances[i] * off
        weights = self._solve_rows(means)
        pulls = [0.0] * len(cells)
        for row, weight in zip(self.rows, weights, strict=True):
            for i, coefficient in row.terms.items():
                pulls[i] += coefficient * weight
        return self._move([mean + shift for mean, shift in zip(means, self._spread(pulls), strict=True)])

    def _spread(self, pulls: Sequence[float]) -> list[float]:
        """Prior covariance (columns known) times a vector over the cells."""
        variances = self._variances
        shifts = [variance * pull for variance, pull in zip(variances, pulls, strict=True)]
        for column, members in enumerate(self._members):
            span = self._spans[column]
            if span > 0:
                mean = sum(shifts[i] for i in members) / span
                for i in members:
                    shifts[i] -= variances[i] * mean
        return shifts

    def _solve_rows(self, means: Sequence[float]) -> list[float]:
        count = len(self.rows)
        matrix = [[0.0] * count for _ in range(count)]
        by_cell: dict[int, list[tuple[int, float]]] = {}
        by_column: dict[int, dict[int, float]] = {}
        for r, row in enumerate(self.rows):
            matrix[r][r] = row.sd**2
            for i, coefficient in row.terms.items():
                by_cell.setdefault(i, []).append((r, coefficient))
                column = self.cells[i].column
                if column >= 0:
                    sums = by_column.setdefault(column, {})
                    sums[r] = sums.get(r, 0.0) + coefficient * self._variances[i]
        for i, entries in by_cell.items():
            variance = self._variances[i]
            for r, a in entries:
                for s, b in entries:
                    matrix[r][s] += a * variance * b
        for column, sums in by_column.items():
            span = self._spans[column]
            if span > 0:
                for r, a in sums.items():
                    line = matrix[r]
                    scaled = a / span
                    for s, b in sums.items():
                        line[s] -= scaled * b
        self._factor = _cholesky(matrix)
        short = [
            row.target - sum(coefficient * means[i] for i, coefficient in row.terms.items())
            for row in self.rows
        ]
        return _back(self._factor, _forward(self._factor, short))

    def _move(self, wanted: Sequence[float]) -> float:
        largest = 0.0
        before = [cell.value for cell in self.cells]
        for cell, value in zip(self.cells, wanted, strict=True):
            cell.value = min(max(value, cell.value / _LARGEST_STEP), cell.value * _LARGEST_STEP)
        self._to_columns()
        for cell, old in zip(self.cells, before, strict=True):
            scale = self.columns[cell.column] if cell.column >= 0 else max(cell.value, old)
            if scale > 0 and cell.column >= 0:
                largest = max(largest, abs(cell.value - old) / scale)
        return largest

    def _to_columns(self) -> None:
        for total, members in zip(self.columns, self._members, strict=True):
            now = sum(self.cells[i].value for i in members)
            for i in members:
                self.cells[i].value *= total / now if now > 0 else 0.0
                # A value of nothing has no logarithm.
                self.cells[i].value = max(self.cells[i].value, total * 1e-7, 1e-12)


def _cholesky(matrix: list[list[float]]) -> list[list[float]]:
    """Lower triangle of the factor, as ragged rows."""
    factor: list[list[float]] = []
    for r, line in enumerate(matrix):
        own: list[float] = []
        for s, other in enumerate(factor):
            own.append((line[s] - sum(map(mul, own, other))) / other[s])
        rest = line[r] - sum(map(mul, own, own))
        # Rounding can take a little too much where rows repeat each other.
        own.append(math.sqrt(max(rest, line[r] * 1e-12, 1e-18)))
        factor.append(own)
    return factor


def _forward(factor: list[list[float]], right: Sequence[float]) -> list[float]:
    solved: list[float] = []
    for line, value in zip(factor, right, strict=True):
        solved.append((value - sum(map(mul, line, solved))) / line[-1])
    return solved


def _back(factor: list[list[float]], right: Sequence[float]) -> list[float]:
    solved = list(right)
    for r in range(len(factor) - 1, -1, -1):
        line = factor[r]
        value = solved[r] = solved[r] / line[r]
        for s in range(r):
            solved[s] -= line[s] * value
    return solved
