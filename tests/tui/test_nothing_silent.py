"""A key acts or says why not; what is small on the screen can be opened in full; a past wait shows itself."""

from __future__ import annotations

import gc
from functools import partial

import pytest

from pgscope.capture.checking import Checking
from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.wait import WaitScreen
from pgscope.tui.doctor.item import ItemScreen
from pgscope.tui.frame import Frame
from pgscope.tui.help import keys_of
from tests.tui.driving import cells, offered, shown, table, until
from tests.tui.frozen import FrozenSource, calm, jam


def _says(app: PgscopeApp, words: str) -> bool:
    return bool(app.said) and app.said[-1].startswith(words)


async def test_keys_of_other_views_say_where_they_are() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24)) as pilot:
        for key, words in (
            ("0", "One server only"),
            ("w", "The load is drawn"),
            ("f", "A statement is laid out"),
            ("M", "Nothing is marked"),
            ("c", "Sessions are cancelled"),
            ("e", "Plans are made"),
        ):
            await pilot.press("1" if key in "ce" else "2")
            await until(pilot, lambda: len(cells(app)) > 5, "its rows")
            await pilot.press(key)
            await until(pilot, partial(_says, app, words), words)


async def test_a_past_wait_shows_itself_and_leads_to_its_session() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: cells(app, "#ended"), "the history")
        assert "▶" in shown(app)
        assert "▷" in shown(app), "the cursor of the table without the keys"
        await pilot.press("tab", "end")
        await until(pilot, lambda: table(app, "#ended").has_focus, "the history in hand")
        opened = cells(app, "#ended")[-1].split(" | ")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, WaitScreen) and app.screen.focused, "the wait")
        await until(pilot, lambda: "blocked by" in shown(app), "what held it up")
        for words in ("waited", "from", "depth", "behind it", "lock", "root", opened[1].split()[0]):
            assert words in shown(app), words
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, SessionScreen) or "gone" in "".join(app.said), "or why not"
        )


async def test_an_item_of_the_doctor_can_be_read_on_a_small_screen(pg18: EmbeddedServer) -> None:
    where = target(pg18.conninfo)
    app = PgscopeApp(LiveSource(where), checking=Checking(where))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("D")
        assert isinstance(app.screen, Frame)
        # Nothing to open yet, and the footer says so by leaving it out.
        await until(pilot, lambda: len(cells(app)) > 8, "its items")
        table(app).move_to_key("role: superuser")
        await pilot.press("D")
        await until(pilot, lambda: _says(app, "This is the doctor"), "why D does nothing")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ItemScreen) and app.screen.focused, "the item")
        depth = len(app.screen_stack)
        await pilot.press("D")
        assert len(app.screen_stack) == depth, "no doctor on a doctor"
        seen = shown(app)
        await pilot.press("G")
        await until(pilot, lambda: "CREATE ROLE" in seen + shown(app), "what mends it")
        assert app.screen.copied().startswith("CREATE ROLE watcher LOGIN")
        await pilot.press("escape")
        await until(pilot, lambda: len(cells(app)) > 8 if table(app) else False, "the list again")


async def test_the_footer_offers_to_cancel_only_where_there_is_somebody() -> None:
    """The key answers all the same, and stands in the help."""

    def offered(app: PgscopeApp) -> bool:
        return "c Cancel" in shown(app).splitlines()[-1]

    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: len(cells(app, "#locks")) > 5 and offered(app), "the jam")
        await pilot.press("tab")
        await until(pilot, lambda: table(app, "#ended").has_focus and not offered(app), "the history")
        await pilot.press("J")
        await until(pilot, lambda: _says(app, "That wait has ended (Enter tells of it); Tab goes"), "why not")
        await pilot.press("tab")
        await until(pilot, lambda: offered(app), "those that wait")
        app.set_filter("app:nobodyatall")
        await until(pilot, lambda: not cells(app, "#locks") and not offered(app), "nobody")
        await pilot.press("c")
        await until(pilot, lambda: _says(app, "Nothing to cancel"), "why not")
        assert any(key == "c" for key, _ in keys_of(app.screen))
    app = PgscopeApp(FrozenSource(jam()), read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app)) > 5, "sessions")
        assert not offered(app)


@pytest.mark.filterwarnings("error:coroutine:RuntimeWarning")
async def test_a_wide_footer_offers_nothing_that_would_only_say_why_not() -> None:
    queues, marks = {"To blocker", "Act on the blocker", "Act on all behind"}, {"Mark", "Unmark"}
    app = PgscopeApp(FrozenSource(calm()))
    async with app.run_test(size=(400, 30)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: cells(app) and "Mark" in offered(app), "sessions of which none waits")
        assert not queues & offered(app) and "Unmark" not in offered(app)
        await pilot.press("m")
        await until(pilot, lambda: "M Unmark" in shown(app).splitlines()[-1], "marks to take away")
        await pilot.press("M")
        await until(pilot, lambda: "Unmark" not in shown(app).splitlines()[-1], "none")
        await pilot.press("5")
        await until(pilot, lambda: "Ignored" in offered(app), "no findings")
        assert not {"Copy", "Plan", "Run plan", "Ignore"} & offered(app)
        await pilot.press("less_than_sign")
        await until(pilot, lambda: bool(app.said) and app.status.past is None, "none before this, either")
        assert app.said[-1] == "No finding before this is noted", "and none is offered after it"
        gc.collect()  # what was begun and never awaited is told then
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(400, 30)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: queues <= offered(app), "a jam")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and queues <= offered(app), "one")
        assert not marks & offered(app)
        await pilot.press("1", "enter", "tab")
        await until(pilot, lambda: table(app, "#group-statements").has_focus, "its statements")
        assert not (queues | marks | {"Cancel"}) & offered(app)
        await pilot.press("4")
        await until(pilot, lambda: {"Plan", "Run plan"} <= offered(app), "who waits")
        await pilot.press("tab")
        await until(pilot, lambda: table(app, "#ended").has_focus, "who waited")
        assert not {"Plan", "Run plan"} & offered(app) and "Waits" in offered(app)


async def test_a_screen_without_rows_neither_offers_a_filter_nor_names_one() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("2")
        app.set_filter("app:billing")
        await until(pilot, lambda: len(cells(app)) == 1 and "/ app:billing" in shown(app), "the filter")
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, SessionScreen) and "pid 7101" in shown(app), "a row"
        )
        assert "/ app:billing" not in shown(app)
        assert "/ Filter" not in shown(app).splitlines()[-1]
        await pilot.press("slash")
        await until(pilot, lambda: _says(app, "There are no rows to filter"), "why not")


async def test_the_key_of_locks_leads_to_those_that_wait_wherever_the_cursor_was_left() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (("2", "4"), ("4",)):
            await pilot.press("4")
            await until(pilot, lambda: len(cells(app, "#locks")) > 5, "the jam")
            await pilot.press("tab")
            await until(pilot, lambda: table(app, "#ended").has_focus, "the history")
            await pilot.press("question_mark", "escape")
            await until(pilot, lambda: table(app, "#ended").has_focus, "still, after the help")
            await pilot.press(*keys)
            await until(pilot, lambda: table(app, "#locks").has_focus, "those that wait")


async def test_an_empty_table_offers_nothing_to_open() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: cells(app) and "Open" in shown(app), "sessions to open")
        app.set_filter("app:nobodyatall")
        await until(pilot, lambda: not cells(app) and "Open" not in shown(app), "nothing to open")
        app.set_filter("")
        await until(pilot, lambda: cells(app) and "Open" in shown(app), "sessions again")
