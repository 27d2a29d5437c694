"""Small graphs: fixed sizes for anything, and shapes that say what the numbers say."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from pgscope.tui.scatter import scatter
from pgscope.tui.sparkline import LEVELS, shares, short_number, sparkline, stacked_columns

floats = st.floats(allow_nan=True, allow_infinity=True)
sane = st.floats(0, 1e6)


@given(st.lists(st.none() | floats, max_size=60), st.integers(0, 40), st.booleans())
def test_a_sparkline_has_its_width(values: list[float | None], width: int, ascii_only: bool) -> None:
    shown = sparkline(values, width, ascii_only=ascii_only)
    assert len(shown) == width
    assert not ascii_only or shown.isascii()


def test_a_sparkline_rises_and_tells_zero_from_little_and_from_nothing() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7], 7) == LEVELS[1:]
    assert sparkline([0, 0.001, None, 100], 5) == " ▁▂ █"
    assert sparkline([5, 1, 2], 2, high=8) == "▂▃"
    assert sparkline([0, 3], 4, ascii_only=True) == "  _#"


@given(st.lists(floats, max_size=9), st.integers(0, 60), st.none() | floats)
def test_shares_are_no_wider_than_the_bar(parts: list[float], width: int, total: float | None) -> None:
    usable = total if total is not None and math.isfinite(total) else None
    cells = shares(parts, width, usable)
    assert len(cells) == len(parts)
    assert min(cells, default=0) >= 0
    assert sum(cells) <= width


@given(st.lists(sane, min_size=1, max_size=6), st.integers(6, 60))
def test_shares_fill_the_bar_and_hide_no_part(parts: list[float], width: int) -> None:
    cells = shares(parts, width)
    assert sum(cells) == (width if sum(parts) > 0 else 0)
    assert all(count > 0 for part, count in zip(parts, cells, strict=True) if part > 0)


def test_shares_and_columns() -> None:
    assert shares([2, 1], 6) == [4, 2]
    assert shares([2, 1], 6, total=6) == [2, 1]
    assert stacked_columns([(1, 0), (1, 1), (2, 2)], 4, 4) == ["   ▓", "   ▓", "  ▓█", " ███"]


@example([(1.5e304, 0.0), (-1.8e308, 0.0)], 16, 5, None, False)
@given(
    st.lists(st.tuples(floats, floats), max_size=40),
    st.integers(0, 80),
    st.integers(0, 24),
    st.none() | st.tuples(st.floats(-5, 5), st.floats(-100, 100)),
    st.booleans(),
)
def test_a_scatter_plot_has_its_size(
    points: list[tuple[float, float]],
    width: int,
    height: int,
    line: tuple[float, float] | None,
    ascii_only: bool,
) -> None:
    lines = scatter(
        [x for x, _ in points],
        [y for _, y in points],
        width,
        height,
        x_label="rows",
        y_label="calls",
        line=line,
        ascii_only=ascii_only,
    )
    assert [len(text) for text in lines] == [width] * height
    assert not ascii_only or all(text.isascii() for text in lines)


def test_a_scatter_plot_shows_a_diagonal_with_its_axes() -> None:
    lines = scatter([0, 10, 20], [0, 10, 20], 24, 8, x_label="rows", y_label="calls", ascii_only=True)
    assert lines == [
        "  |calls                ",
        "20|                    .",
        "  |                     ",
        "  |          .          ",
        "  |                     ",
        " 0|.                    ",
        "  +---------------------",
        "   0       rows       20",
    ]


def test_short_numbers() -> None:
    shown = [short_number(value) for value in (0, 0.25, 3, 17, 999, 1500, 12e6, 123456, 2e9, 3e12, 1e16)]
    assert shown == ["0", "0.25", "3", "17", "999", "1.5k", "12M", "123k", "2G", "3T", "1e16"]
