"""Rows and lines that are kept are those that would be made anew."""

from __future__ import annotations

import pytest
from rich.style import Style

from pgscope.analysis.watch import Watch
from pgscope.tui.glyphs import terminal_signs
from pgscope.tui.rows import kept as kept_rows
from pgscope.tui.rows.kept import as_made
from pgscope.tui.rows.sessions import COLUMNS, SessionRows
from pgscope.tui.stage import Status
from pgscope.tui.table import UNICODE, Cell, Row
from pgscope.tui.table.layout import arrange
from pgscope.tui.table.lines import RowLines
from pgscope.tui.table.order import Order, ordered
from pgscope.tui.table.styles import PARTS
from tests.churn import steady

PALETTE = {part: Style(color=f"color({n})") for n, part in enumerate((*PARTS, "base"), 16)}


def told(row: Row) -> tuple[object, ...]:
    cells = row.cells if isinstance(row.cells, tuple) else row.cells()
    values = row.sort_values
    sorts = [values(n) for n in range(len(COLUMNS))] if callable(values) else list(values)
    return (row.key, cells, sorts, row.tone)


@pytest.mark.parametrize("idle", [True, False])
def test_rows_of_sessions_while_sessions_come_go_and_block(
    idle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rows, "_MANY", 3)
    watch, signs = Watch(), terminal_signs()
    status = Status(idle=idle, signs=signs)
    rows, lines, order = SessionRows(signs), RowLines(), Order()
    layout = arrange(COLUMNS, 140, 0)
    blocked = kept = 0
    before: list[Row] = []
    for poll in steady(60):
        watch.feed(poll)
        snapshot = watch.snapshot()
        chosen = rows.wanted(snapshot.sessions, status)
        made = rows.make(chosen, snapshot.at, snapshot.locks)
        anew = SessionRows(signs)
        assert chosen == anew.wanted(snapshot.sessions, status)
        expected = anew.make(chosen, snapshot.at, snapshot.locks)
        assert [told(row) for row in made] == [told(row) for row in expected]
        blocked += sum(node.behind for node in snapshot.locks.nodes.values())
        kept += len({id(row) for row in made} & {id(row) for row in before})
        before = made
        sorted_now = order.sorted(made, COLUMNS, "state", False)
        assert [row.key for row in sorted_now] == [row.key for row in ordered(made, COLUMNS, "state", False)]
        lines.begin(COLUMNS, layout, PALETTE, UNICODE)
        fresh = RowLines()
        fresh.begin(COLUMNS, layout, PALETTE, UNICODE)
        for n, row in enumerate(sorted_now[:40]):
            cursor, marked = n == int(snapshot.at) % 5, n == 7
            line = lines.line(row, COLUMNS, layout, PALETTE, UNICODE, cursor, marked)
            assert line == fresh.line(row, COLUMNS, layout, PALETTE, UNICODE, cursor, marked)
    assert blocked > 10
    assert kept > (10 if idle else 2)


def test_a_line_follows_its_cells_its_tones_and_its_look() -> None:
    layout = arrange(COLUMNS[:3], 60, 0)
    lines = RowLines()

    def line(row: Row, *way: object, cursor: bool = False) -> str:
        lines.begin(COLUMNS, layout, PALETTE, UNICODE, *way)
        made = lines.line(row, COLUMNS, layout, PALETTE, UNICODE, cursor, False)
        return "|".join(f"{text}:{style.color.number if style.color else None}" for text, style, _ in made)

    row = Row("a", ("1", "shop", "ops"))
    first = line(row)
    assert line(row) == first
    assert line(row._replace(cells=("1", "shop", Cell("ops", "bad")))) != first
    assert line(row) == first
    assert line(row, cursor=True) != first
    assert "└" in line(row._replace(prefix="└ "))
    assert line(row._replace(tone="muted")) != first
    assert line(row._replace(cells=("1", "shop"))) != first
    assert line(row, object()) == first


def test_objects_that_moved_keep_their_rows() -> None:
    things = [[n] for n in range(200)]
    made: list[int] = []

    def make(thing: list[int]) -> Row:
        made.append(thing[0])
        return Row(thing[0], (str(thing[0]),))

    rows = as_made([], [], things, make)
    now = [[999], *things[5:150], things[3], *things[150:]]
    again = as_made(things, rows, now, make)
    assert [row.key for row in again] == [thing[0] for thing in now]
    assert made == [*range(200), 999]
