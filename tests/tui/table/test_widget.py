"""The table in a running app, driven by keys and mouse as a person would."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message

from pgscope.tui.table import ASCII, UNICODE, Cell, Column, Glyphs, LiveTable, Row
from pgscope.tui.table.hold import as_before

COLUMNS = (
    Column("pid", "pid", width=7, justify="right", fixed=True),
    Column("app", "application", min_width=12, max_width=24, priority=9),
    Column("state", "state", width=8, priority=8),
    Column("calls", "calls/s", width=9, justify="right", priority=7, tooltip="[b]calls[/] a second"),
    Column("rows", "rows", width=9, justify="right", priority=6),
    Column("time", "time", width=9, justify="right", priority=5),
    Column("hits", "hits", width=12, justify="right", priority=2),
    Column("reads", "reads", width=12, justify="right", priority=1),
    Column("query", "query", min_width=16, weight=5, priority=4),
)


def row(pid: int, calls: float, app: str = "shop", query: str = "select 1") -> Row:
    cells = (
        str(pid),
        app,
        Cell("waiting", "warn") if pid % 3 == 0 else "active",
        f"{calls:.1f}",
        str(pid * 2),
        str(pid * 3),
        str(pid * 5),
        str(pid * 7),
        query,
    )
    return Row(pid, cells, (pid, app, pid % 3, calls, pid * 2, pid * 3, pid * 5, pid * 7, query))


class TableApp(App[None]):
    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.table = LiveTable(
            COLUMNS, sort="calls", placeholder="nothing here\nyet [/b]", glyphs=glyphs, id="t"
        )
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        self.seen.append(message)

    def on_live_table_opened(self, message: LiveTable.Opened) -> None:
        self.seen.append(message)

    def on_live_table_sort_changed(self, message: LiveTable.SortChanged) -> None:
        self.seen.append(message)

    def opened(self) -> list[Hashable]:
        return [message.row_key for message in self.seen if isinstance(message, LiveTable.Opened)]

    def cursor(self) -> object:
        return self.table.cursor_key

    def sorting(self) -> object:
        return self.table.sort_column, self.table.sort_descending

    def screen_lines(self) -> list[str]:
        return [self.table.render_line(y).text for y in range(self.table.size.height)]


SIZES = [(80, 24), (200, 60), (40, 10)]


@pytest.mark.parametrize("size", SIZES)
async def test_cursor_holds_its_key_through_churn_and_sorting(size: tuple[int, int]) -> None:
    app = TableApp()
    chance = random.Random(4)
    async with app.run_test(size=size) as pilot:
        app.table.set_rows([row(pid, pid) for pid in range(1, 301)])
        await pilot.press("down", "down", "j", "k")
        key = app.table.cursor_key
        assert key == 298  # sorted downwards by calls
        for _ in range(20):
            gone = chance.randrange(1, 290)
            app.table.set_rows([row(pid, chance.random()) for pid in range(1, 301) if pid != gone])
            await pilot.pause()
            assert app.table.cursor_key == key
            lines = app.screen_lines()
            assert [line for line in lines if line.startswith("▶")] == [
                line for line in lines if line[2:9].strip() == str(key)
            ]
        app.table.set_rows([row(pid, pid) for pid in range(1, 301)])
        place = app.table.rows.index(row(298, 298))
        app.table.set_rows([row(pid, pid) for pid in range(1, 301) if pid != key])
        assert app.table.cursor_key == app.table.rows[place].key != key


async def test_the_cursor_rests_on_top_until_moved_and_after_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.tui.table.hold.HOLD_S", 0.0)
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, pid) for pid in range(100)])
        assert app.cursor() == 99
        app.table.set_rows([row(pid, -pid) for pid in range(100)])
        assert app.cursor() == 0
        await pilot.press("G")
        assert app.cursor() == 99
        app.table.set_rows([row(pid, pid) for pid in range(100)])
        assert app.cursor() == 99
        assert app.table.rows[0].key == 99
        await pilot.press("pagedown", "g")
        app.table.set_rows([row(pid, -pid) for pid in range(100)])
        assert app.cursor() == 0
        await pilot.press("pagedown", "pageup", "end", "home", "enter")
        await pilot.pause()
        assert app.opened() == [0]
        app.table.set_rows([row(pid, pid) for pid in range(100)])
        assert app.cursor() == 0  # Enter chose that row, and it stays chosen


async def test_rows_keep_their_order_for_a_moment_after_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.tui.table.hold.HOLD_S", 3600.0)
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, pid) for pid in range(10)])
        await pilot.press("home")
        app.table.set_rows([row(pid, -pid) for pid in range(-1, 10) if pid != 5])
        assert app.cursor() == 9
        old = [one.key for one in app.table.rows if one.key != -1]
        assert old == [9, 8, 7, 6, 4, 3, 2, 1, 0]
        app.table.sort_by("pid", descending=False)
        assert [one.key for one in app.table.rows] == [-1, 0, 1, 2, 3, 4, 6, 7, 8, 9]


async def test_held_rows_are_sorted_when_the_moment_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.tui.table.hold.HOLD_S", 0.3)
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, pid) for pid in range(10)])
        await pilot.press("down")
        app.table.set_rows([row(pid, -pid) for pid in range(10)])
        deadline = time.monotonic() + 20
        while [one.key for one in app.table.rows] != list(range(10)):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert app.cursor() == 8


async def test_an_arrow_never_cuts_a_title() -> None:
    columns = (
        Column("pid", "pid", width=3, justify="right"),
        Column("age", "tx age", width=6, justify="right"),
        Column("state", "state", width=5),
        Column("query", "query", min_width=9),
    )
    app = TableApp()
    async with app.run_test(size=(40, 10)):
        app.table.set_columns(columns, [Row(1, ("1", "2", "3", "4"), (1, 2, 3, 4))])
        for key, head in (("pid", "▼pid"), ("age", "▼tx age"), ("state", "state▲"), ("query", "query▲")):
            app.table.sort_by(key, descending="▼" in head)
            line = app.screen_lines()[0]
            assert head in line
            assert all(column.title in line for column in columns)


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=20),
    st.lists(st.integers(0, 30), unique=True, max_size=20),
)
def test_as_before_loses_no_row_and_turns_none_round(before: list[int], now: list[int]) -> None:
    found = [one.key for one in as_before([row(n, n) for n in before], [row(n, n) for n in now])]
    assert sorted(map(str, found)) == sorted(map(str, now))
    assert [key for key in found if key in before] == [key for key in before if key in now]
    if not set(before) & set(now):
        assert found == now


@pytest.mark.parametrize("size", SIZES)
async def test_the_painted_screen_is_the_same_as_one_painted_afresh(size: tuple[int, int]) -> None:
    """Partial repaints must add up: compare what was kept with a table that never saw the earlier rows."""
    app = TableApp()
    chance = random.Random(11)
    async with app.run_test(size=size) as pilot:
        rows = {pid: row(pid, chance.random()) for pid in range(120)}
        for step in range(25):
            for pid in chance.sample(sorted(rows), len(rows) // 3):
                rows[pid] = row(pid, chance.random(), chance.choice(["shop", "été", "日本"]))
            if step % 5 == 4:
                rows.pop(chance.choice(sorted(rows)))
            app.table.set_rows(list(rows.values()))
            await pilot.press(chance.choice(["down", "up", "pagedown", "right", "left", "s", "S", "end"]))
        await pilot.pause()
        kept = [list(app.table.render_line(y)) for y in range(app.table.size.height)]
        on_screen = [strip.text for strip in app.screen._compositor.render_strips()]
        app.table._rebuild()
        fresh = [list(app.table.render_line(y)) for y in range(app.table.size.height)]
        assert kept == fresh
        assert on_screen == app.screen_lines()


async def test_only_changed_lines_are_repainted_and_only_up_to_the_change() -> None:
    app = TableApp()
    async with app.run_test(size=(160, 30)) as pilot:
        rows = [row(pid, pid) for pid in range(1, 21)]
        app.table.set_rows(rows)
        await pilot.pause()
        asked: list[Region] = []
        refresh = app.table.refresh

        def spy(*regions: Region, **options: bool) -> LiveTable:
            asked.extend(regions or [app.table.size.region])
            return refresh(*regions, **options)

        app.table.refresh = spy  # type: ignore[method-assign]
        app.table.set_rows(list(rows))
        assert asked == []
        changed = rows[4]._replace(cells=(*rows[4].cells[:3], "99.9", *rows[4].cells[4:]))  # type: ignore[index]
        app.table.set_rows([*rows[:4], changed, *rows[5:]])
        assert [(region.y, region.height) for region in asked] == [(16, 1)]
        assert asked[0].width < 60


async def test_lazy_cells_are_asked_for_only_when_on_screen() -> None:
    app = TableApp()
    made: list[int] = []

    def lazy(pid: int) -> Row:
        def cells() -> tuple[str, ...]:
            made.append(pid)
            return (str(pid),)

        return Row(pid, cells, (pid,))

    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([lazy(pid) for pid in range(5000)])
        await pilot.pause()
        assert set(made) == set(range(23))


async def test_sorting_by_key_and_by_header_click() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, 100 - pid) for pid in range(1, 50)])
        assert "▼calls/s" in app.screen_lines()[0]
        await pilot.press("S")
        assert "▲calls/s" in app.screen_lines()[0]
        assert app.screen_lines()[1][2:9].strip() == "49"
        await pilot.click("#t", offset=(6, 0))
        assert app.sorting() == ("pid", True)
        await pilot.click("#t", offset=(6, 0))
        assert app.sorting() == ("pid", False)
        assert app.screen_lines()[1][2:9].strip() == "1"
        await pilot.press("s")
        assert app.sorting() == ("app", False)
        assert "application▲" in app.screen_lines()[0]
        changes = [m for m in app.seen if isinstance(m, LiveTable.SortChanged)]
        assert [(m.column_key, m.descending) for m in changes] == [
            ("calls", False),
            ("pid", True),
            ("pid", False),
            ("app", False),
        ]
        with pytest.raises(KeyError):
            app.table.sort_by("nonsense")


async def test_click_moves_and_second_click_on_the_same_row_opens() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, -pid) for pid in range(1, 60)])
        await pilot.click("#t", offset=(20, 4))
        assert app.table.cursor_key == 4
        assert app.opened() == []
        app.table.set_rows([row(pid, pid) for pid in range(1, 60)])  # the rows move between two clicks
        await pilot.click("#t", offset=(20, 4))
        assert app.opened() == []
        key = app.table.cursor_key
        await pilot.click("#t", offset=(20, 4))
        assert app.opened() == [key]
        await pilot.click("#t", offset=(79, 23))  # the scroll mark's column jumps
        assert app.table.rows[-1].key == 1
        assert app.screen_lines()[-1][2:9].strip() == "1"


async def test_marks_are_shown_and_go_with_their_row() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, -pid) for pid in range(1, 10)])
        app.table.toggle_mark(3)
        app.table.toggle_mark(77)
        await pilot.press("down")
        app.table.action_toggle_mark()
        assert app.table.marked == {2, 3}
        lines = app.screen_lines()
        assert lines[2].startswith("▶●") and lines[3].startswith(" ●")
        app.table.set_rows([row(pid, -pid) for pid in range(1, 10) if pid != 3])
        assert app.table.marked == {2}
        app.table.set_rows([row(pid, -pid) for pid in range(1, 10)])
        assert app.table.marked == {2}
        app.table.clear_marks()
        assert not app.table.marked
        assert "●" not in "".join(app.screen_lines())


HOSTILE = [
    "[/foo]",
    "b[red]x",
    "\x1b]52;c;QUJD\x07",
    "x\x9b2J",
    "日本語" * 9,
    "e" + "\u0301" * 900,
    "\u202eabc",
]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_is_inert_everywhere(size: tuple[int, int], glyphs: Glyphs) -> None:
    app = TableApp(glyphs)
    async with app.run_test(size=size) as pilot:
        rows = [row(n, n, app=text, query=text) for n, text in enumerate(HOSTILE)]
        app.table.set_rows([one._replace(prefix="\x1b[2J", mark="\x07", tone="bad") for one in rows])
        await pilot.pause()
        width = app.table.size.width
        for y in range(app.table.size.height):
            strip = app.table.render_line(y)
            assert sum(segment.cell_length for segment in strip) == width
            assert all(char >= " " and not "\x7f" <= char < "\xa0" for char in strip.text)
            assert glyphs is UNICODE or strip.text.isascii()
        assert any("[/foo]" in line for line in app.screen_lines())
        app.table.set_columns(
            [Column("x", "[/foo]\x1b[2J", tooltip="[/foo]"), Column("y", "b[red]")],
            [Row(0, ("[/", "]"))],
        )
        await pilot.hover("#t", offset=(5, 0))
        app.table.set_placeholder("[/foo]\x07")
        app.table.set_rows([])
        await pilot.pause()
        assert "[/foo]" in app.screen_lines()[1]


async def test_sideways_scrolling_keeps_the_fixed_columns() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.table.set_rows([row(pid, -pid) for pid in range(1, 6)])
        assert [column.key for column in app.table.visible_columns][:3] == ["pid", "app", "state"]
        assert app.screen_lines()[0].endswith("›")
        await pilot.press(*["right"] * 12)
        assert [column.key for column in app.table.visible_columns][-1] == "query"
        assert app.table.visible_columns[0].key == "pid"
        assert app.screen_lines()[0].startswith("‹")
        assert not app.screen_lines()[0].endswith("›")
        await pilot.press(*["h"] * 12)
        assert not app.screen_lines()[0].startswith("‹")
        await pilot.resize_terminal(200, 30)
        await pilot.pause()
        assert len(app.table.visible_columns) == len(COLUMNS)


async def test_any_size_at_any_time() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        rows = [row(pid, pid) for pid in range(200)]
        app.table.set_rows(rows)
        await pilot.press("G", "right")
        for size in [(40, 10), (10, 3), (3, 2), (2, 1), (1, 1), (200, 60), (80, 24)]:
            await pilot.resize_terminal(*size)
            app.table.set_rows(rows)
            await pilot.press("down", "right", "pageup", "s", "left", "end")
            await pilot.pause()
            for y in range(app.table.size.height):
                strip = app.table.render_line(y)
                assert sum(segment.cell_length for segment in strip) == app.table.size.width
        assert app.screen_lines()[-1].startswith("▶")


async def test_highlighted_tells_each_change_once() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, -pid) for pid in (1, 2, 3)])
        await pilot.pause()
        app.table.set_rows([row(pid, -pid) for pid in (1, 2, 3)])
        await pilot.press("down")
        app.table.set_rows([])
        await pilot.pause()
        await pilot.press("enter", "down", "s", "S", "pagedown", "G", "g")
        told = [m.row_key for m in app.seen if isinstance(m, LiveTable.Highlighted)]
        assert told == [1, 2, None]
        assert app.opened() == []


async def test_wheel_scrolls_without_the_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row(pid, -pid) for pid in range(100)])
        await pilot.pause()
        wheel = events.MouseScrollDown(
            app.table, x=5, y=5, delta_x=0, delta_y=1, button=0, shift=False, meta=False, ctrl=False
        )
        app.table.post_message(wheel)
        await pilot.pause()
        assert app.screen_lines()[1][2:9].strip() == "3"
        assert app.table.cursor_key == 0
        app.table.set_rows([row(pid, -pid) for pid in range(100)])
        assert app.screen_lines()[1][2:9].strip() == "3"


async def test_every_binding_has_an_id_and_a_tooltip() -> None:
    bindings = [binding for _, binding in LiveTable()._bindings]
    assert bindings
    assert all(binding.id and binding.tooltip and binding.description for binding in bindings)
