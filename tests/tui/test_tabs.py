"""The tab line uses the room there is: whole titles, short ones, and only then numbers."""

from __future__ import annotations

import pytest
from textual.content import Content

from pgscope.tui.app import PgscopeApp
from pgscope.tui.tabs import TabLine
from pgscope.tui.views import FLEET, VIEWS
from tests.tui.frozen import FrozenSource, jam

TABS = [(view.id, view.key, view.title) for view in (FLEET, *VIEWS)]


@pytest.mark.parametrize(
    ("width", "current", "remark", "line"),
    [
        (
            120,
            "fleet",
            "3",
            " 0 Fleet  1 Applications  2 Sessions  3 Statements  4 Locks  5 Findings  6 Plans ",
        ),
        (80, "applications", "13", " 0 Fleet  1 Applications  2 Sess  3 Stmt  4 Locks  5 Find  6 Plans "),
        (
            80,
            "statements",
            "4 of 120  by time, of",
            " 0 Fleet  1 Apps  2 Sess  3 Statements  4 Lock  5  6 ",
        ),
        (40, "locks", "", " 0 Fleet  1 Apps  2  3  4 Locks  5  6 "),
    ],
)
async def test_the_room_is_used(width: int, current: str, remark: str, line: str) -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(width, 24)):
        tabs = app.screen.query_one(TabLine)
        tabs.set_tabs(TABS, current)
        tabs.set_remark(Content(remark), Content(""))
        assert tabs.render().plain.startswith(line)
        assert tabs.render().plain.rstrip().endswith(remark or "6")


@pytest.mark.parametrize(
    ("width", "remark", "filtered", "left"),
    [
        (120, "4 of 120  by time%", "/ app:mobile", "1 Applications  2 Sessions  3 Statements"),
        (80, "4 of 120  by time%", "/ app:mobile calls>100 !wait:Lock", "3 Statements"),
        (80, "4 of 120", "/ query:orders.*customer_id app:storefront|admin calls>100", "3 Statements"),
        (40, "4 of 120", "/ app:mobile", "3 Statements"),
    ],
)
async def test_the_filter_in_force_is_the_last_to_be_cut(
    width: int, remark: str, filtered: str, left: str
) -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(width, 24)):
        tabs = app.screen.query_one(TabLine)
        tabs.set_tabs(TABS, "statements")
        tabs.set_remark(Content(remark), Content(filtered))
        shown = tabs.render().plain
        assert shown.rstrip().endswith(filtered)
        assert left in shown
        assert "4 of 120" in shown or len(filtered) > width // 2
        tabs.set_crumbs(("Statements", "SELECT id FROM orders WHERE customer_id = $1 AND status = $2"), ">")
        assert filtered[: width // 2] in tabs.render().plain
