"""Pictures of the findings, from a recorded minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot

from pgscope.config import Config
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.sqltext import SqlText
from tests.tui.driving import until
from tests.tui.frozen import AT, FrozenSource
from tests.tui.frozen_findings import shop

PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "list": ((80, 24), ()),
    "list_wide": ((200, 60), ()),
    "list_tiny": ((40, 10), ()),
    "evidence": ((80, 24), ("enter",)),
    "plot": ((80, 24), ("enter", "pagedown")),
    "statements": ((80, 24), ("enter", "G")),
    "evidence_wide": ((200, 60), ("enter",)),
    "ignored": ((80, 24), ("I",)),
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, snap_compare: Callable[..., bool]) -> None:
    size, keys = PICTURES[name]
    config = Config(ignored={"0123456789ab": "N+1 of admin, shop: 1 + 12: customers (2026-11-02)"})
    app = PgscopeApp(FrozenSource(shop()), title="db1", config=config)

    async def prepare(pilot: Pilot[None]) -> None:
        await pilot.press("5")
        await until(pilot, lambda: app.snapshot.at == AT, "the last poll")
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: all(one.is_laid_out for one in app.screen.query(SqlText)), "the SQL")
        await pilot.pause(0.3)  # the footer comes in its own time

    assert snap_compare(app, terminal_size=size, run_before=prepare)


def test_flags_stand_in_the_rows_of_the_other_views(snap_compare: Callable[..., bool]) -> None:
    app = PgscopeApp(FrozenSource(shop()), title="db1")

    async def prepare(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await until(pilot, lambda: app.snapshot.at == AT, "the last poll")
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=(80, 24), run_before=prepare)
