"""The balance sheet: unknown calls, non-negative, that must add up to what was counted.

Each unknown is a cell of a column (a statement: its cells add up to its calls, exactly) or stands by itself
(a row's slack). Each row says that a weighted sum of unknowns was measured, give or take. What is not
measured is given by a prior, log-normal around what sampling suggests: wrong by a factor, not by an amount.
The most likely solution comes from a few Gauss-Newton steps, each a sparse linear problem in as many unknowns
as there are columns and rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field

from pgscope.analysis.attribution.sparse import Factor
from pgscope.dataclass import dataclass

_STEPS = 16
_LARGEST_STEP = 5.0
_CALMER = 0.75
"""A cell changes by this factor in the first step at most, and by less in each that follows: the prior's
tails are not convex, and the search would swing."""
_SETTLED = 2e-3
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
        self._touching: list[dict[int, float]] = []
        self._variances: list[float] = []
        self._factor = Factor([], ())

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
        # Constraints are numbered columns first, then rows; each cell knows those that it is part of.
        self._touching = [{cell.column: 1.0} if cell.column >= 0 else {} for cell in self.cells]
        for number, row in enumerate(self.rows, len(self.columns)):
            for i, coefficient in row.terms.items():
                self._touching[i][number] = coefficient
        for cell in self.cells:
            cell.value = cell.value if cell.value > 0 else cell.guess
        self._to_columns()
        for step in range(1, _STEPS + 1):
            if self._step(1.0 + (_LARGEST_STEP - 1.0) * _CALMER ** (step - 1)) < _SETTLED:
                return step
        return _STEPS

    @property
    def work(self) -> int:
        """About how many multiplications a step takes."""
        return self._factor.work

    def deviation(self, indices: Sequence[int]) -> float:
        """Standard deviation of the sum of some cells, given columns and rows."""
        own, touched = self._touched(indices)
        return math.sqrt(max(own - self._factor.square(touched), 0.0))

    def deviation_unmeasured(self, indices: Sequence[int]) -> float:
        """Standard deviation of the sum of some cells of one column if there were no rows."""
        own, _ = self._touched(indices)
        column = self.cells[indices[0]].column
        span = sum(self._variances[i] for i in self._members[column])
        return math.sqrt(max(own - own * own / span, 0.0)) if span > 0 else 0.0

    def _touched(self, indices: Sequence[int]) -> tuple[float, Mapping[int, float]]:
        """Prior variance of the sum, and its covariance with the constraints."""
        touched: dict[int, float] = {}
        for i in indices:
            for number, coefficient in self._touching[i].items():
                touched[number] = touched.get(number, 0.0) + coefficient * self._variances[i]
        return sum(self._variances[i] for i in indices), touched

    def _step(self, largest: float) -> float:
        cells = self.cells
        self._variances = variances = [(cell.spread * cell.value) ** 2 for cell in cells]
        # A log-normal prior, made linear around the present value.
        means = [cell.value * (1.0 + math.log(cell.guess / cell.value)) for cell in cells]
        matrix: list[dict[int, float]] = [{number: 0.0} for number in range(len(self.columns))]
        matrix += [{number: row.sd**2} for number, row in enumerate(self.rows, len(self.columns))]
        short = [*self.columns, *[row.target for row in self.rows]]
        for touching, variance, mean in zip(self._touching, variances, means, strict=True):
            for number, coefficient in touching.items():
                short[number] -= coefficient * mean
                line, scaled = matrix[number], coefficient * variance
                for other, coefficient_other in touching.items():
                    line[other] = line.get(other, 0.0) + scaled * coefficient_other
        self._factor = Factor(matrix, self._order())
        weights = self._factor.solve(short)
        wanted = []
        for touching, variance, mean in zip(self._touching, variances, means, strict=True):
            pull = 0.0
            for number, coefficient in touching.items():
                pull += coefficient * weights[number]
            wanted.append(mean + variance * pull)
        return self._move(wanted, largest)

    def _order(self) -> Sequence[int]:
        """Rows of two applications meet in columns only, columns in rows only: the more numerous go first."""
        columns = range(len(self.columns))
        rows = range(len(self.columns), len(self.columns) + len(self.rows))
        return (*rows, *columns) if len(rows) > len(columns) else (*columns, *rows)

    def _move(self, wanted: Sequence[float], factor: float) -> float:
        before = [cell.value for cell in self.cells]
        for cell, value in zip(self.cells, wanted, strict=True):
            cell.value = min(max(value, cell.value / factor), cell.value * factor)
        self._to_columns()
        largest = 0.0
        for cell, old in zip(self.cells, before, strict=True):
            if cell.column >= 0 and self.columns[cell.column] > 0:
                largest = max(largest, abs(cell.value - old) / self.columns[cell.column])
        return largest

    def _to_columns(self) -> None:
        for total, members in zip(self.columns, self._members, strict=True):
            now = sum(self.cells[i].value for i in members)
            for i in members:
                # A value of nothing has no logarithm.
                self.cells[i].value = max(self.cells[i].value * total / now, total * 1e-7, 1e-12)
