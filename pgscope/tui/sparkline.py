"""Small graphs as text: sparklines and stacked columns. Pure; every line has a fixed width.

Each has an ASCII form for terminals without UTF-8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = "_.,-=+*#"
FILLS = "█▓▒░▚▞╬·"
ASCII_FILLS = "#=+-:o%."


def sparkline(
    values: Sequence[float | None], width: int, *, high: float | None = None, ascii_only: bool = False
) -> str:
    """The last `width` values as one line, the newest at the right, scaled from 0 to `high` (their maximum).

    Zero and anything positive look different; a missing value (None, NaN) is a blank.
    """
    levels = ASCII_LEVELS if ascii_only else LEVELS
    shown = [value if value is not None and math.isfinite(value) else None for value in values]
    shown = shown[-width:] if width > 0 else []
    top = max((value for value in shown if value is not None), default=0.0) if high is None else high
    marks = []
    for value in shown:
        if value is None:
            marks.append(" ")
        elif value <= 0 or top <= 0:
            marks.append(levels[0])
        else:
            step = math.ceil(value / top * (len(levels) - 1))
            marks.append(levels[min(len(levels) - 1, max(1, step))])
    return "".join(marks).rjust(max(0, width))


def shares(parts: Sequence[float], width: int, total: float | None = None) -> list[int]:
    """Cells for each part of a bar of `width` cells that stands for `total` (the sum of the parts).

    Never more than `width` together; a part above zero gets a cell as long as larger ones can spare it.
    """
    sizes = [part if math.isfinite(part) and part > 0 else 0.0 for part in parts]
    whole = max(sum(sizes), total or 0.0)
    if whole <= 0 or width <= 0:
        return [0] * len(sizes)
    exact = [size / whole * width for size in sizes]
    cells = [math.floor(size) for size in exact]
    spare = min(width, round(sum(exact))) - sum(cells)
    by_rest = sorted(range(len(cells)), key=lambda n: (-(exact[n] - cells[n]), n))
    for n in by_rest[:spare]:
        cells[n] += 1
    for n, size in enumerate(sizes):
        if size > 0 and cells[n] == 0:
            if sum(cells) < width:
                cells[n] = 1
            elif (largest := max(range(len(cells)), key=cells.__getitem__)) != n and cells[largest] > 1:
                cells[largest] -= 1
                cells[n] = 1
    return cells


def stacked_columns(
    columns: Sequence[Sequence[float]],
    width: int,
    height: int,
    *,
    high: float | None = None,
    ascii_only: bool = False,
) -> list[str]:
    """The last `width` columns as a stacked graph of `height` lines, the newest at the right.

    The first part of each column is at the bottom; the full height stands for `high` (the tallest column).
    """
    fills = ASCII_FILLS if ascii_only else FILLS
    shown = list(columns)[-width:] if width > 0 else []
    tallest = max((sum(p for p in parts if math.isfinite(p) and p > 0) for parts in shown), default=0.0)
    top = tallest if high is None else high
    stacks = []
    for parts in shown:
        cells = shares(parts, height, top)
        stacks.append("".join(fills[n % len(fills)] * count for n, count in enumerate(cells)).ljust(height))
    return ["".join(stack[y] for stack in stacks).rjust(width) for y in reversed(range(height))]


def short_number(value: float) -> str:
    """A number in at most five characters for an axis: 0, 0.25, 17, 1.5k, 12M."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e15:
        return f"{value:.0e}".replace("+", "")
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{value / limit:.1f}".removesuffix(".0")[:4].rstrip(".") + unit
    return f"{value:.2f}".rstrip("0").rstrip(".")[:5] if size < 10 else f"{value:.0f}"
