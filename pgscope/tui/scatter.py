"""A small scatter plot as text, with labelled axes from zero and, if wanted, the fitted line."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.tui.sparkline import short_number

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # Braille, by row and column of a cell
_DENSITY = " .o@"
_MOST = 1e300
"""The span of larger numbers may be no number any more; what is NaN is not less than it either."""
LEAST_WIDTH = 16
LEAST_HEIGHT = 5


def scatter(
    xs: Sequence[float],
    ys: Sequence[float],
    width: int,
    height: int,
    *,
    x_label: str = "",
    y_label: str = "",
    line: tuple[float, float] | None = None,
    ascii_only: bool = False,
) -> list[str]:
    """Points as `height` lines of `width` cells; `line` is (slope, intercept) of a fit, drawn faintly.

    Pairs that are not finite, or as good as that, are left out. Both axes start at zero, or below it if the
    data do. With less room than 16 x 5 there is only a word saying so.
    """
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if abs(x) < _MOST and abs(y) < _MOST]
    if width < LEAST_WIDTH or height < LEAST_HEIGHT or not points:
        word = "no points yet" if not points else "no room for a plot"
        return [word[: max(0, width)].ljust(max(0, width)), *[" " * max(0, width)] * max(0, height - 1)][
            : max(0, height)
        ]
    x_low, x_high = _span([x for x, _ in points])
    y_low, y_high = _span([y for _, y in points])
    labels = (short_number(y_high), short_number(y_low))
    margin = max(len(label) for label in labels)
    columns = width - margin - 1
    rows = height - 3  # the label of y above; the axis and the labels of x below
    across, down = (1, 1) if ascii_only else (2, 4)

    def place(x: float, y: float) -> tuple[int, int]:
        col = round((x - x_low) / (x_high - x_low) * (columns * across - 1))
        row = round((y_high - y) / (y_high - y_low) * (rows * down - 1))
        return col, row

    seen: dict[tuple[int, int], set[tuple[int, int]]] = {}
    count: dict[tuple[int, int], int] = {}
    for point in points:
        col, row = place(*point)
        cell = (row // down, col // across)
        seen.setdefault(cell, set()).add((row % down, col % across))
        count[cell] = count.get(cell, 0) + 1
    guide = _guide(line, columns, rows, (x_low, x_high), (y_low, y_high)) if line else set()

    def mark(cell: tuple[int, int]) -> str:
        if cell in seen:
            if ascii_only:
                return _DENSITY[min(count[cell], len(_DENSITY) - 1)]
            return chr(0x2800 + sum(_DOTS[row][col] for row, col in seen[cell]))
        return ("'" if ascii_only else "·") if cell in guide else " "

    bar, corner, dash = ("|", "+", "-") if ascii_only else ("│", "└", "─")
    lines = [(" " * margin + bar + y_label)[:width].ljust(width)]
    for row in range(rows):
        label = labels[0] if row == 0 else labels[1] if row == rows - 1 and rows > 1 else ""
        lines.append(label.rjust(margin) + bar + "".join(mark((row, col)) for col in range(columns)))
    lines.append(" " * margin + corner + dash * columns)
    start, end = short_number(x_low), short_number(x_high)
    lines.append(" " * (margin + 1) + _ends(start, x_label, end, columns))
    return lines


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(0.0, *values), max(0.0, *values)
    return (low, high) if high > low else (low, low + 1.0)


def _guide(
    line: tuple[float, float],
    columns: int,
    rows: int,
    x_span: tuple[float, float],
    y_span: tuple[float, float],
) -> set[tuple[int, int]]:
    """The cells that the fitted line crosses, one for each column."""
    slope, intercept = line
    cells = set()
    for col in range(columns):
        x = x_span[0] + (x_span[1] - x_span[0]) * col / max(1, columns - 1)
        share = (y_span[1] - (slope * x + intercept)) / (y_span[1] - y_span[0])
        if 0 <= share <= 1:
            cells.add((round(share * (rows - 1)), col))
    return cells


def _ends(start: str, middle: str, end: str, width: int) -> str:
    """Three texts at the left, in the middle and at the right of a line; the middle one is cut."""
    room = max(0, width - len(start) - len(end) - 2)
    return (start + " " + middle[:room].center(room) + " " + end)[:width].ljust(width)
