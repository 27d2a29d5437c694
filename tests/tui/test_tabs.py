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
            "4 of 120  / app:mobile",
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
        tabs.set_remark(Content(remark))
        assert tabs.render().plain.startswith(line)
        assert tabs.render().plain.rstrip().endswith(remark or "6")
