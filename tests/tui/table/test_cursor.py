"""Cursor, viewport and scroll mark arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgscope.tui.table.cursor import thumb, top_after, top_for

numbers = st.integers(0, 500)


@given(numbers, numbers, st.integers(1, 60), st.integers(1, 500))
def test_the_cursor_is_brought_into_view(top: int, cursor: int, height: int, count: int) -> None:
    cursor = min(cursor, count - 1)
    found = top_for(top, cursor, height, count)
    assert found <= cursor < found + height
    assert 0 <= found <= max(0, count - height)


@given(numbers, numbers, numbers, st.integers(1, 60), st.integers(1, 500))
def test_a_row_in_view_stays_in_view_wherever_it_goes(
    top: int, was: int, now: int, height: int, count: int
) -> None:
    now = min(now, count - 1)
    found = top_after(top, was, now, height, count)
    assert 0 <= found <= max(0, count - height)
    if top <= was < top + height:
        assert found <= now < found + height


@given(numbers, st.integers(0, 60), st.integers(0, 500))
def test_the_scroll_mark_lies_within_the_screen(top: int, height: int, count: int) -> None:
    top = min(top, max(0, count - height))
    lines = thumb(top, height, count)
    assert lines.start >= 0 and lines.stop <= max(0, height)
    assert bool(lines) == (0 < height < count)
    if lines and top == 0:
        assert lines.start == 0
    if lines and top == count - height:
        assert lines.stop == height
