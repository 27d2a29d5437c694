"""Pictures of a plan that stands still: a real one, of a report that sorts on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from pgscope.capture.explaining import StoredPlan
from pgscope.tui.app import PgscopeApp
from pgscope.tui.plans.reading import reading_of_kept
from pgscope.tui.plans.screen import PlanScreen
from tests.tui.driving import until
from tests.tui.frozen import AT, FrozenSource, calm

DOCUMENT = json.loads((Path(__file__).parent / "plans" / "turnover.json").read_text())
TEXT = "SELECT p.name, sum(i.quantity) OVER (PARTITION BY p.id) FROM order_items AS i"
PICTURES = {
    "tree": ((80, 24), ""),
    "tree_wide": ((200, 60), ""),
    "tree_tiny": ((40, 10), ""),
    "node": ((80, 24), "b enter"),
    "folded": ((80, 24), "j j j z"),
    "text": ((80, 24), "tab"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, snap_compare: Callable[..., bool]) -> None:
    size, keys = PICTURES[name]
    app = PgscopeApp(FrozenSource(calm()), title="db1")
    stored = StoredPlan(AT, "db1:5432, PostgreSQL 18.6", "shop", 42, TEXT, True, DOCUMENT)

    async def prepare(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.snapshot.at == AT, "the last poll")
        await app.push_screen(PlanScreen(("Plans",), reading=reading_of_kept(stored), name="queryid 42"))
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.is_mounted, "the plan")
        await pilot.press(*keys.split())
        await pilot.pause(0.3)  # the footer comes in its own time

    assert snap_compare(app, terminal_size=size, run_before=prepare)
