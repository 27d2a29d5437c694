"""python -m tests.bench.cost.floor CONNINFO: what the libraries alone take, without pgscope's analysis.

pgscope's own poll each second and its look between two polls, made into samples and dropped; and a Textual
screen of plain lines of which twenty change each second. No client that does this with these libraries can
take less, but by doing without one of them.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pgscope.server import conninfo
from pgscope.server.connection import connect
from pgscope.server.facts import learn
from pgscope.server.poll import Poller
from pgscope.server.sampler import Sampler
from tests.bench.cost.load import MARK

_CHANGING = 20
"""Lines that are others each second: as many as there are applications."""


class _Lines(Widget):
    """A number on each line; those of the first ones rise."""

    number = 0

    def render_line(self, y: int) -> Strip:
        shown = self.number if y < _CHANGING else 0
        width = self.size.width
        return Strip([Segment(f"{MARK} {y:4} {shown:8}".ljust(width)[:width])], width)

    def rise(self) -> None:
        """Have the first lines drawn anew."""
        self.number += 1
        self.refresh(Region(0, 0, self.size.width, _CHANGING))


class Floor(App[None]):
    """Reads and draws, and does nothing else."""

    CSS = "_Lines { height: 1fr; }"

    def __init__(self, conninfo: str) -> None:
        super().__init__()
        self._conninfo = conninfo

    def compose(self) -> ComposeResult:
        yield _Lines()

    def on_mount(self) -> None:
        # As pgscope does.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        self.run_worker(self._read())

    async def _read(self) -> None:
        target = conninfo.target(self._conninfo)
        polls, looks = await connect(target), await connect(target)
        facts = await learn(polls)
        poller = Poller(polls, facts)
        sampler = Sampler(looks, facts, lambda datid: "utf-8")
        lines = self.query_one(_Lines)
        began, second = time.monotonic(), 0
        while True:
            await poller.poll(statements=second % 2 == 0)
            lines.rise()
            await asyncio.sleep(began + second + 0.5 - time.monotonic())
            await sampler.look()
            second += 1
            await asyncio.sleep(began + second - time.monotonic())


if __name__ == "__main__":
    Floor(sys.argv[1]).run()
