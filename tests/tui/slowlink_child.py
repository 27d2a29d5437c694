"""A live table of 1,000 sessions with a counter of keys, as `test_slowlink` runs it behind a slow link.

usage: slowlink_child.py SECONDS_BETWEEN_SNAPSHOTS
"""

from __future__ import annotations

import random
import sys

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

from pgscope.tui.slowlink import DrainDriver, LatestPaint
from pgscope.tui.table import Column, LiveTable, Row

COLUMNS = [Column(f"c{n}", f"column {n}", width=10, justify="right") for n in range(9)]


class Child(App[None]):
    """Offers a snapshot in which nearly every visible line changes, and echoes keys at the bottom."""

    def __init__(self, every: float) -> None:
        super().__init__(driver_class=DrainDriver)
        self.every = every
        self.keys = 0
        self.chance = random.Random(3)
        self.painter = LatestPaint(self, self.show)

    def compose(self) -> ComposeResult:
        yield LiveTable([*COLUMNS, Column("query", "query", min_width=20)], sort="c3")
        yield Static("key0.", id="echo")

    def on_mount(self) -> None:
        self.set_interval(self.every, self.snapshot)

    def snapshot(self) -> None:
        rows = []
        for n in range(1000):
            values = tuple(self.chance.randrange(10**6) for _ in range(9))
            cells = (*map(str, values), f"select * from t where id = {n}")
            rows.append(Row(n, cells, (*values, n)))
        self.painter.offer(rows)

    def show(self, rows: list[Row]) -> None:
        self.query_one(LiveTable).set_rows(rows)

    def on_key(self, event: events.Key) -> None:
        if event.key == "x":
            self.keys += 1
            self.query_one("#echo", Static).update(f"key{self.keys}.")
        elif event.key == "q":
            self.exit()


if __name__ == "__main__":
    Child(float(sys.argv[1])).run()
