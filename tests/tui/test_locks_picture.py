"""Pictures of the view of lock waits, of data that stands still."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from textual.pilot import Pilot

from pgscope.capture.actions import Actions
from pgscope.capture.audit import AuditLog, default_audit_path
from pgscope.sample import Sample
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from tests.tui.driving import until
from tests.tui.frozen import AT, FrozenSource, calm, jam

PICTURES: dict[str, tuple[Callable[[], Sequence[Sample]], tuple[int, int], str]] = {
    "jam": (jam, (80, 24), ""),
    "jam_wide": (jam, (200, 60), ""),
    "jam_tiny": (jam, (40, 10), ""),
    "calm": (calm, (80, 24), ""),
    "waiter": (jam, (80, 24), "jj"),
    "history": (jam, (80, 24), "\t"),
    "ask": (jam, (80, 24), "R"),
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
    samples, size, keys = PICTURES[name]
    actions = Actions(target("host=/nowhere dbname=shop"), AuditLog(default_audit_path()))
    app = PgscopeApp(FrozenSource(samples()), title="db1", actions=actions)

    async def prepare(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until(pilot, lambda: app.snapshot.at == AT, "the last poll")
        await pilot.press(*("tab" if key == "\t" else key for key in keys))
        await pilot.pause(0.3)  # the footer comes in its own time

    assert snap_compare(app, terminal_size=size, run_before=prepare)
