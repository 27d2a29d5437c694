"""Sorting: stable, missing values last, mixed types survive, children stay below their parents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pgscope.tui.table.model import Column, Row
from pgscope.tui.table.order import Order, ordered

COLUMNS = (Column("v", "v"), Column("w", "w", sort_key=str.casefold))


def rows_of(*values: object) -> list[Row]:
    return [Row(n, ("",), (value,)) for n, value in enumerate(values)]


def keys(rows: list[Row]) -> list[object]:
    return [row.key for row in rows]


def test_ties_keep_their_order_in_both_directions() -> None:
    rows = rows_of(1, 2, 1, 2)
    assert keys(ordered(rows, COLUMNS, "v", False)) == [0, 2, 1, 3]
    assert keys(ordered(rows, COLUMNS, "v", True)) == [1, 3, 0, 2]


def test_missing_values_come_last_in_both_directions() -> None:
    rows = rows_of(None, 3, float("nan"), 1)
    assert keys(ordered(rows, COLUMNS, "v", False)) == [3, 1, 0, 2]
    assert keys(ordered(rows, COLUMNS, "v", True)) == [1, 3, 0, 2]


def test_sort_key_of_the_column_is_used_and_no_column_leaves_the_order() -> None:
    rows = [Row(n, ("",), (0, value)) for n, value in enumerate(("b", "A", "c"))]
    assert keys(ordered(rows, COLUMNS, "w", False)) == [1, 0, 2]
    assert keys(ordered(rows, COLUMNS, None, True)) == [0, 1, 2]


@given(st.lists(st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.booleans(), max_size=12))
def test_any_mixture_sorts_without_loss(values: list[object]) -> None:
    found = ordered(rows_of(*values), COLUMNS, "v", True)
    assert sorted(str(row.key) for row in found) == sorted(str(n) for n in range(len(values)))


@given(st.data(), st.booleans())
def test_an_order_kept_up_to_date_is_that_of_sorting_anew(data: st.DataObject, falling: bool) -> None:
    """Rows change, come, go and turn into trees; values tie, are missing, or of another type."""
    value = st.one_of(*[st.integers(0, 4).map(float)] * 8, st.none(), st.just("word"))
    word = st.sampled_from(["a", "B", "c"])
    indent = st.sampled_from([0] * 30 + [1])
    order = Order()
    rows: list[Row] = [
        Row(n, ("",), (data.draw(value), data.draw(word))) for n in range(data.draw(st.integers(0, 12)))
    ]
    key: str | None = "v"
    for _ in range(6):
        assert order.sorted(rows, COLUMNS, key, falling) == ordered(rows, COLUMNS, key, falling)
        rows = data.draw(st.sampled_from([rows] * 8 + [[]]))[:]
        key = data.draw(st.sampled_from([key] * 8 + ["w", None]))
        for n in sorted(data.draw(st.sets(st.integers(0, 11)))):
            if n >= len(rows):
                continue
            rows[n] = Row(rows[n].key, ("",), (data.draw(value), data.draw(word)), indent=data.draw(indent))
        if data.draw(st.sampled_from([True, False, False])):
            rows.insert(data.draw(st.integers(0, len(rows))), Row(len(rows) + 100, ("",), (1.0, "b")))
        elif rows and data.draw(st.sampled_from([True, False, False])):
            rows.pop(data.draw(st.integers(0, len(rows) - 1)))


def test_rows_that_are_gone_when_the_column_changes_leave_nothing_behind() -> None:
    rows = rows_of(1, 2, 3)
    order = Order()
    order.sorted(rows, COLUMNS, "v", False)
    assert order.sorted([], COLUMNS, "w", False) == []
    assert order.sorted(rows, COLUMNS, "v", True) == rows[::-1]
    assert order.sorted([], COLUMNS, None, False) == []
    assert order.sorted([], (Column("v", "other"),), "v", False) == []


def test_a_tree_sorts_siblings_and_keeps_families_together() -> None:
    depths = [("a", 0, 1), ("a1", 1, 5), ("a2", 1, 9), ("a2x", 2, 0), ("b", 0, 7), ("b1", 1, 3)]
    rows = [Row(key, ("",), (value,), indent=depth) for key, depth, value in depths]
    assert keys(ordered(rows, COLUMNS, "v", True)) == ["b", "b1", "a", "a2", "a2x", "a1"]
    assert keys(ordered(rows, COLUMNS, "v", False)) == ["a", "a1", "a2", "a2x", "b", "b1"]
