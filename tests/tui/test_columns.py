"""Columns are chosen, ordered and sized on the screen and in the configuration, and the choice lasts."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from pgscope.config import ColumnChoice, Config, ConfigError, load
from pgscope.config.read import parse
from pgscope.config.show import shown as shown_config
from pgscope.tui.app import PgscopeApp
from pgscope.tui.columns.screen import ColumnsScreen
from pgscope.tui.columns.tables import TABLES
from pgscope.tui.settings import check
from pgscope.tui.table import Column, LiveTable
from pgscope.tui.table.choice import wanted_columns
from tests.tui.driving import shown, table, until
from tests.tui.frozen import FrozenSource, jam
from tests.tui.recorded import shop

COLUMNS = (Column("a", "A", width=3), Column("b", "B"), Column("c", "C", width=2))


def keys_of(app: PgscopeApp) -> list[str]:
    return [column.key for column in table(app).visible_columns]


def _behind(app: PgscopeApp) -> list[str]:
    behind = app.screen_stack[-2].query_one(LiveTable)
    return [column.key for column in behind.visible_columns]


def writing(app: PgscopeApp) -> bool:
    return any(worker.group == "configuration" and worker.is_running for worker in app.workers)


async def opened(pilot: Pilot[None]) -> PgscopeApp:
    app = pilot.app
    assert isinstance(app, PgscopeApp)
    await until(pilot, lambda: app.snapshot.at, "a snapshot")
    await pilot.press("2")
    await until(pilot, lambda: len(table(app).rows) > 2, "its rows")
    return app


def test_those_chosen_come_in_their_order_with_their_width() -> None:
    chosen = (ColumnChoice("c", 7), ColumnChoice("elsewhere"), ColumnChoice("a"))
    wanted = wanted_columns(COLUMNS, chosen)
    assert [(place, column.key, column.width) for place, column in wanted] == [(2, "c", 7), (0, "a", 3)]
    assert [place for place, _ in wanted_columns(COLUMNS, ())] == [0, 1, 2]
    assert len(wanted_columns(COLUMNS, (ColumnChoice("elsewhere"),))) == 3, "never none at all"


async def test_a_choice_on_the_screen_holds_at_once_and_the_next_time() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(120, 24)) as pilot:
        await opened(pilot)
        assert keys_of(app)[:3] == ["pid", "app", "user"]
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen), "the choice")
        # The application away, the user two places to the right and three cells wider than its least.
        await pilot.press("j", "space", "j", "J", "J", "plus", "plus", "plus")
        await until(pilot, lambda: _behind(app)[:4] == ["pid", "db", "client", "user"], "it shows at once")
        await pilot.press("escape")
        await until(pilot, lambda: keys_of(app)[:3] == ["pid", "app", "user"], "as it was")
        assert not load().columns and not writing(app)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen), "the choice")
        await until(pilot, lambda: "Keep" in shown(app) and "As before" in shown(app), "ways out")
        await pilot.press("j", "space", "j", "J", "J", "plus", "plus", "plus", "enter")
        await until(pilot, lambda: keys_of(app)[:4] == ["pid", "db", "client", "user"], "what was chosen")
        assert "application" not in shown(app)
        assert "7101" in shown(app)
        await until(pilot, lambda: not writing(app), "the choice written")
    kept = load()
    check(kept)
    assert kept.columns["sessions"][:4] == (("pid", None), ("db", None), ("client", None), ("user", 11))

    again = PgscopeApp(FrozenSource(jam()), config=kept)
    async with again.run_test(size=(120, 24)) as pilot:
        await opened(pilot)
        assert keys_of(again)[:4] == ["pid", "db", "client", "user"]
        await pilot.press("C")
        await until(pilot, lambda: isinstance(again.screen, ColumnsScreen), "the choice")
        await pilot.press("r", "C")
        await until(pilot, lambda: keys_of(again)[:3] == ["pid", "app", "user"], "all, as they come")
        await until(pilot, lambda: not writing(again), "the choice written")
    assert "sessions" not in load().columns


async def test_the_last_column_stays_and_a_small_terminal_will_do() -> None:
    app = PgscopeApp(FrozenSource(jam()), config=Config(columns={"sessions": (ColumnChoice("pid"),)}))
    async with app.run_test(size=(40, 10)) as pilot:
        await opened(pilot)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen), "the choice")
        await pilot.press("g", "space", "enter")
        assert keys_of(app) == ["pid"]


async def test_sorting_and_sideways_go_by_what_is_shown() -> None:
    chosen = (ColumnChoice("query", 60), ColumnChoice("pid"), ColumnChoice("state"), ColumnChoice("app"))
    app = PgscopeApp(FrozenSource(jam()), config=Config(columns={"sessions": chosen}))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert set(keys_of(app)) < {"query", "pid", "state", "app"}
        await pilot.press("s")
        assert table(app).sort_column in keys_of(app)
        await pilot.press("l", "l", "l")
        await until(pilot, lambda: "app" in keys_of(app), "the column at the right")
        assert "storefront-0" in shown(app)


async def test_every_table_of_the_screen_can_be_chosen_for() -> None:
    app = PgscopeApp(shop())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.snapshot.statements, "statements")
        for key in "123456":
            await pilot.press(key)
            assert {one.id for one in app.screen.query(LiveTable)} <= set(TABLES), key
        await pilot.press("1", "enter")
        assert {one.id for one in app.screen.query(LiveTable)} <= set(TABLES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[columns]\nsesions = ["pid"]', "did you mean 'sessions'"),
        ('[columns]\nsessions = ["pidd"]', "did you mean 'pid'"),
        ('[columns]\nsessions = ["pid", "pid:9"]', "'pid' is there twice"),
        ('[columns]\nsessions = ["pid:0"]', "with a width in cells"),
        ("[columns]\nsessions = []", "wants a list"),
        ('[columns]\nsessions = "pid"', "wants a list"),
    ],
)
def test_what_cannot_be_is_refused_with_the_nearest(text: str, words: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=words):
        check(parse(text))


def test_what_is_set_is_shown_as_it_can_be_read() -> None:
    config = Config(columns={"sessions": (ColumnChoice("pid"), ColumnChoice("app", 24))})
    assert parse(shown_config(config)).columns == config.columns
