"""`D`: the doctor on the screen, on a real server that could be better."""

from __future__ import annotations

from pgscope.capture.checking import Checking
from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.doctor.screen import DoctorScreen
from tests.tui.driving import cells, shown, table, until


async def test_what_could_be_better_comes_first_with_its_statement(pg18: EmbeddedServer) -> None:
    where = target(pg18.conninfo)
    app = PgscopeApp(LiveSource(where), checking=Checking(where))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("D")
        assert isinstance(app.screen, DoctorScreen)
        await until(pilot, lambda: len(cells(app)) > 8, "its items")
        rows = cells(app)
        worse = [row for row in rows if "mend" in row.split(" | ")[1]]
        assert worse
        assert rows[: len(worse)] == worse
        assert any(row.startswith("role: superuser") for row in worse), "the tests connect as one"
        table(app).move_to_key("role: superuser")
        await until(pilot, lambda: "CREATE ROLE watcher" in shown(app), "what mends it")
        assert app.screen.copied().startswith("CREATE ROLE watcher LOGIN")
        await pilot.press("slash", *"state:ok", "enter")
        await until(pilot, lambda: not any("mend" in row.split(" | ")[1] for row in cells(app)), "the filter")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, DoctorScreen), "the view again")


async def test_a_server_that_is_gone_is_told_and_can_be_asked_again(pg18: EmbeddedServer) -> None:
    app = PgscopeApp(
        LiveSource(target(pg18.conninfo)), checking=Checking(target("host=/no/such/folder dbname=x"))
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("D")
        await until(pilot, lambda: "cannot connect" in shown(app), "why there is nothing")
        await pilot.press("r")
        await until(pilot, lambda: "cannot connect" in shown(app), "still")
        assert app.is_running
