"""Pictures of a plan that stands still: a real one, of a report that sorts on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from pgscope.capture.explaining import ExplainRequest, ExplainResult, StoredPlan
from pgscope.capture.keeping import Kept
from pgscope.tui.app import PgscopeApp
from pgscope.tui.plans.reading import reading_of, reading_of_kept
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


def test_what_was_planned_instead_is_told_on_one_line() -> None:
    """A text of several lines would have signs for their ends in it."""
    document = [{"Plan": {"Node Type": "Result", "Startup Cost": 0.0, "Total Cost": 0.01, "Plan Rows": 1}}]
    text = "SELECT 1,\n    $1::int"
    result = ExplainResult(document, text, "db1", False, "shop", "app", "", False, True, 8192, None, None)
    reading = reading_of(ExplainRequest("SELECT 1, $1"), result, Kept())
    assert ("planned as", "SELECT 1, $1::int") in reading.about
