"""Several servers at once: each has a row, can be entered and left, and is harmed by none that is down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from pgscope.analysis.fleet import together
from pgscope.analysis.snapshot import Link, Snapshot
from pgscope.analysis.totals import Totals
from pgscope.capture.live import LiveSource
from pgscope.capture.source import Source
from pgscope.cli.several import names, open_all
from pgscope.config import Config
from pgscope.embedded import EmbeddedServer
from pgscope.errors import ConnectionFailed
from pgscope.sample import Disconnected
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.finding import FindingScreen
from pgscope.tui.fleet.view import FleetView
from pgscope.tui.served import Server
from pgscope.tui.views.applications import ApplicationsView
from pgscope.tui.views.sessions import SessionsView
from tests.tui.driving import cells, shown, table, until
from tests.tui.frozen import AT, FACTS, FrozenSource, calm, jam
from tests.tui.recorded import Recorded, last_poll, shop

NOWHERE = "host=127.0.0.1 port=1 dbname=x connect_timeout=2"
SERVERS, FINDINGS = "#fleet-servers", "#fleet-findings"


def fleet(*others: Server, config: Config | None = None) -> PgscopeApp:
    """A shop, a queue behind a migration, and what else is given."""
    beside = (Server(FrozenSource(jam()), "jam"), *others)
    return PgscopeApp(shop(), title="shop", others=beside, config=config)


async def ready(pilot: Pilot[None]) -> PgscopeApp:
    app = pilot.app
    assert isinstance(app, PgscopeApp)
    assert isinstance(app.source, Recorded)
    last = last_poll(app.source.taken)
    await until(pilot, lambda: app.snapshot.at == last.at, "the last recorded poll on the screen")
    return app


@pytest.fixture
def down() -> Server:
    return Server(LiveSource(target(NOWHERE)), "gone")


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (40, 10)])
async def test_every_server_has_a_row_and_one_that_is_down_says_why(
    size: tuple[int, int], down: Server
) -> None:
    app = fleet(down)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        assert isinstance(app.screen, FleetView)
        await until(pilot, lambda: "refused" in "".join(cells(app, SERVERS)), "why one is down")
        rows = cells(app, SERVERS)
        assert [row.split(" | ")[0] for row in rows] == ["gone", "shop", "jam"], "the one down first"
        assert "down" in rows[0]
        assert "up" in rows[1]
        assert "1 down" in shown(app)
        await pilot.press("n")
        await until(pilot, lambda: "gone: cannot connect to" in shown(app), "all of why")
        await pilot.press("escape")
        assert any(row.startswith("shop | ") for row in cells(app, FINDINGS))


async def test_one_server_is_entered_and_left_and_keeps_its_own_screens(down: Server) -> None:
    app = fleet(down)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        for key, words in (("D", "One server is looked over"), ("left_square_bracket", "The past is of one")):
            await pilot.press(key)
            assert app.said[-1].startswith(words)
        table(app, SERVERS).move_to_key(1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ApplicationsView), "the server alone")
        await until(pilot, lambda: "jam" in shown(app) and "1 other down" in shown(app), "which one it is")
        assert {"billing", "migrate"} <= {row.split(" | ")[0] for row in cells(app)}
        await pilot.press("2")
        jammed = app.screen
        assert any("migrate" in row for row in cells(app))
        await pilot.press("0")
        await until(pilot, lambda: isinstance(app.screen, FleetView), "the fleet again")
        table(app, SERVERS).move_to_key(0)
        await pilot.press("enter", "2")
        await until(pilot, lambda: isinstance(app.screen, SessionsView), "the other's sessions")
        assert app.screen is not jammed
        assert not any("migrate" in row for row in cells(app) if "7102" in row)


async def test_what_comes_with_the_end_comes_to_no_screen() -> None:
    app = fleet()
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
    assert not app._screen_stack
    for served in app._servers:
        app._taken(app.Taken(served))


async def test_a_finding_is_shown_on_its_server() -> None:
    app = fleet()
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: app.focused is table(app, FINDINGS), "the findings")
        await pilot.press("slash", *"kind:n+1", "enter", "tab")
        await until(pilot, lambda: cells(app, FINDINGS), "an N+1")
        table(app, FINDINGS).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FindingScreen), "the finding")
        await until(pilot, lambda: "N+1" in shown(app), "what it is")
        await pilot.press("0")
        await until(pilot, lambda: isinstance(app.screen, FleetView), "the fleet again")


async def test_pause_and_a_server_that_is_lost_reach_all() -> None:
    source: Source = FrozenSource(calm())
    lost = Recorded([*calm(), Disconnected(0.0, 0.0, "the server was shut down")])
    app = fleet(Server(source, "calm"), Server(lost, "lost"))
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "shut down" in "".join(cells(app, SERVERS)), "the loss")
        await pilot.press("plus")
        assert {served.source.interval for served in app._servers} == {2.0}
        await pilot.press("space")
        assert "PAUSED" in shown(app)


async def test_the_past_of_one_server_does_not_stand_among_the_present_of_others() -> None:
    app = fleet()
    async with app.run_test(size=(140, 30)) as pilot:
        await ready(pilot)
        await pilot.press("[")
        assert app.status.past is None, "the fleet has none"
        table(app, SERVERS).move_to_key(0)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ApplicationsView), "the server alone")
        await pilot.press("[")
        await until(pilot, lambda: app.status.past is not None and "AS OF" in shown(app), "its past")
        await pilot.press("0")
        assert app.status.past is None
        await until(pilot, lambda: "AS OF" not in shown(app), "the present of all")
        await pilot.press("space")
        assert app.status.paused


async def test_a_server_that_is_watched_through_two_databases_counts_once() -> None:
    app = PgscopeApp(shop(), title="shop", others=(Server(shop(), "shop again"),))
    async with app.run_test(size=(140, 30)) as pilot:
        await ready(pilot)
        sessions = app.snapshot.totals.sessions
        await until(pilot, lambda: all(served.snapshot.at for served in app._servers), "both")
        app.action_view("fleet")
        await until(pilot, lambda: re.search(rf"sess +{sessions} ", shown(app)), "its sessions, once")
        assert len(cells(app, SERVERS)) == 2


async def test_without_others_there_is_no_fleet() -> None:
    app = PgscopeApp(shop())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("0")
        assert isinstance(app.screen, ApplicationsView)
        assert "Fleet" not in shown(app)


@pytest.fixture
def real(pg18: EmbeddedServer) -> Iterator[LiveSource]:
    yield LiveSource(target(pg18.conninfo))


async def test_connecting_fails_only_if_no_server_answers(real: LiveSource) -> None:
    away = LiveSource(target(NOWHERE))
    await open_all([away, real], ["away", "real"], ask=False)
    await real.close()
    with pytest.raises(
        ConnectionFailed, match=r"none of the 2 servers answers: a: .*refused.*; b: "
    ) as raised:
        await open_all([away, LiveSource(target(NOWHERE))], ["a", "b"], ask=False)
    assert raised.value.status == 3


def test_servers_are_told_apart() -> None:
    words = ["dbname=a", "host=db1 dbname=a", "host=db1 dbname=a", "host=/run port=5433"]
    made = names(
        [("prod (saved)", LiveSource(target()))] + [("", LiveSource(target(word))) for word in words]
    )
    assert made == ["prod (saved)", "a (database)", "a@db1 #1", "a@db1 #2", "local:5433"]


async def test_what_comes_while_it_ends_harms_nothing(down: Server) -> None:
    """A server in the background may tell something when no screen is left."""
    app = fleet(down)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
    assert not app.screen_stack
    for served in app._servers:
        app._taken(app.Taken(served))


def test_what_no_server_knows_is_not_told_as_nothing() -> None:
    def snapshot(port: int, totals: Totals) -> Snapshot:
        return Snapshot(AT, 1.0, 1.0, Link(True, AT), replace(FACTS, port=port), totals=totals)

    quiet, counts = Totals(sessions=3, active=1), Totals(sessions=4, calls_per_s=2.5)
    assert together([snapshot(1, quiet), snapshot(2, quiet)]) == Totals(sessions=6, active=2)
    assert together([snapshot(1, quiet), snapshot(2, counts)]).calls_per_s == 2.5
    assert together([snapshot(1, quiet), snapshot(1, counts)]) == counts, "two databases of one server"
