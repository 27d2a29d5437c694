"""Column layout: what must hold for any columns and any width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgscope.tui.table.layout import GAP, arrange, clip, last_first
from pgscope.tui.table.model import Column


@st.composite
def column_sets(draw: st.DrawFn) -> tuple[Column, ...]:
    columns = []
    for n in range(draw(st.integers(1, 14))):
        least = draw(st.integers(1, 30))
        extra = draw(st.none() | st.integers(0, 40))
        columns.append(
            Column(
                key=f"c{n}",
                title=f"column {n}",
                width=draw(st.none() | st.integers(1, 30)),
                min_width=least,
                max_width=None if extra is None else least + extra,
                weight=draw(st.floats(0, 8, allow_nan=False)),
                fixed=draw(st.booleans()) and n < 3,
                priority=draw(st.integers(0, 5)),
            )
        )
    return tuple(columns)


@given(column_sets(), st.integers(0, 260), st.integers(0, 14))
def test_a_layout_fits_its_room_and_keeps_its_bounds(
    columns: tuple[Column, ...], total: int, first: int
) -> None:
    whole = arrange(columns, total, first)
    layout = clip(whole, total)
    x = 0
    for slot in layout.slots:
        assert slot.width >= 1
        assert slot.x == x
        x = slot.end + GAP
    assert not layout.slots or layout.slots[-1].end <= total
    for slot in whole.slots:
        column = columns[slot.index]
        assert slot.width >= column.least
        if column.width is not None:
            assert slot.width == column.width
        elif column.max_width is not None:
            assert slot.width <= column.max_width
    shown = {slot.index for slot in whole.slots}
    if total:
        assert {i for i, column in enumerate(columns) if column.fixed} <= shown
        assert shown
    assert (len(shown) < len(columns)) == (whole.hidden_left or whole.hidden_right)


@given(column_sets(), st.integers(1, 260))
def test_a_column_is_left_out_only_for_want_of_room(columns: tuple[Column, ...], total: int) -> None:
    layout = arrange(columns, total)
    shown = [slot.index for slot in layout.slots]
    need = sum(columns[i].least for i in shown) + GAP * (len(shown) - 1)
    for i, column in enumerate(columns):
        if i not in shown:
            more_important = [
                j for j in shown if columns[j].fixed or (-columns[j].priority, j) < (-column.priority, i)
            ]
            taken = sum(columns[j].least + GAP for j in more_important)
            assert taken + column.least > total
            assert need + GAP + column.least > total


@given(column_sets(), st.integers(1, 260))
def test_scrolled_to_the_end_the_last_column_is_in_view(columns: tuple[Column, ...], total: int) -> None:
    others = [i for i, column in enumerate(columns) if not column.fixed]
    if others:
        layout = arrange(columns, total, last_first(columns, total))
        if layout.hidden_left:
            assert others[-1] in {slot.index for slot in layout.slots}


def test_leftover_room_goes_to_flexible_columns_by_weight() -> None:
    columns = (
        Column("pid", "pid", width=7, fixed=True),
        Column("app", "application", min_width=10, weight=1, max_width=20),
        Column("query", "query", min_width=10, weight=3),
    )
    assert [slot.width for slot in arrange(columns, 29).slots] == [7, 10, 10]
    assert [slot.width for slot in arrange(columns, 49).slots] == [7, 15, 25]
    assert [slot.width for slot in arrange(columns, 200).slots] == [7, 20, 171]


def test_narrow_leaves_out_the_least_important_and_scrolling_brings_them() -> None:
    columns = (
        Column("a", "a", width=10, fixed=True),
        Column("b", "b", width=10, priority=1),
        Column("c", "c", width=10, priority=3),
        Column("d", "d", width=10, priority=2),
    )
    assert [slot.index for slot in arrange(columns, 32).slots] == [0, 2, 3]
    assert [slot.index for slot in arrange(columns, 21, 0).slots] == [0, 2]
    assert [slot.index for slot in arrange(columns, 21, 2).slots] == [0, 3]
    assert last_first(columns, 43) == 0
    assert last_first(columns, 21) == 2
    assert [slot.width for slot in clip(arrange(columns, 6), 6).slots] == [6]


def test_a_column_may_leave_its_room_to_the_others_in_a_narrow_table() -> None:
    columns = (Column("text", "text", min_width=10, priority=5), Column("rest", "rest", width=5, needs=40))
    for total in range(16, 60):
        layout = arrange(columns, total)
        widths = {columns[slot.index].key: slot.width for slot in layout.slots}
        assert ("rest" in widths) == (total >= 40) == (not layout.hidden_right)
        assert "rest" in widths or widths["text"] == total
    assert len(arrange(columns, 20, 1).slots) == 1, "sideways it can be reached"
