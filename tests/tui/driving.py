"""Driving the app in tests: reading what it shows, waiting as long as a slow machine needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.app import App
from textual.pilot import Pilot

from pgscope.tui.app import PgscopeApp
from pgscope.tui.keyline import KeyLine
from pgscope.tui.table import LiveTable

PATIENCE = 40.0


async def until(pilot: Pilot[None], condition: Callable[[], object], what: str) -> None:
    """Let the app run until the condition holds; fails naming `what` if it never does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        await pilot.pause()
        if condition():
            return
        assert time.monotonic() < deadline, f"never: {what}\n{shown(pilot.app)}"
        await asyncio.sleep(0.02)


def table(app: PgscopeApp, selector: str = "LiveTable") -> LiveTable:
    return app.screen.query_one(selector, LiveTable)


def cells(app: PgscopeApp, selector: str = "LiveTable") -> list[str]:
    """The cells of all rows, each row as one text."""
    rows = []
    for row in table(app, selector).rows:
        made = row.cells if isinstance(row.cells, tuple) else row.cells()
        rows.append(" | ".join(cell if isinstance(cell, str) else cell.text for cell in made))
    return rows


def offered(app: App[None]) -> set[str]:
    """What the footer offers."""
    return {key.word for key in app.screen.query_one(KeyLine).keys}


def shown(app: App[None]) -> str:
    """What is on the screen, as text."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)
