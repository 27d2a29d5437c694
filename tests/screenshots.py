"""Pictures of the real program on the demo: `uv run python -m tests.screenshots` remakes screenshots/.

Each is an SVG and, for where SVG does not show, a PNG. Needs a monospace font on the system for the PNGs.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import resvg_py
from textual.pilot import Pilot

from pgscope.analysis.snapshot import Snapshot
from pgscope.capture.checking import Checking
from pgscope.capture.explaining import Explaining
from pgscope.capture.live import LiveSource
from pgscope.capture.plan_store import PlanStore
from pgscope.cli.several import names
from pgscope.demo import start_demo
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.served import Server

FOLDER = Path(__file__).parent.parent / "screenshots"
_PATIENCE = 120.0
"""Seconds until a scene that does not come is given up."""
_WEB_FONTS = re.compile(r"@font-face\s*{[^}]*}", re.DOTALL)


def _has_findings(snapshot: Snapshot) -> bool:
    kinds = [finding.kind for finding in snapshot.findings if not finding.ended]
    return "n_plus_one" in kinds


def _has_waits(snapshot: Snapshot) -> bool:
    return snapshot.locks.waiting >= 3


def _has_load(snapshot: Snapshot) -> bool:
    return len(snapshot.load) > 1 and snapshot.load[-1].mono - snapshot.load[0].mono > 60.0


def _has_lasted(snapshot: Snapshot) -> bool:
    return _has_load(snapshot) and _has_findings(snapshot)


class Shot(NamedTuple):
    """A picture: what to press when the scene is there, and the size of the terminal."""

    name: str
    keys: tuple[str, ...]
    scene: Callable[[Snapshot], bool]
    size: tuple[int, int] = (120, 32)
    others: tuple[str, ...] = ()
    """Connection parameters of servers beside it, over those of the demo."""


_REPORTS = ("a", "p", "p", "colon", *"reports")
_N_PLUS_ONE = ("k", "i", "n", "d", "colon", "n", "plus", "1")

SHOTS = (
    Shot("applications", ("1",), _has_lasted),
    Shot("applications-80x24", ("1",), _has_lasted, (80, 24)),
    Shot("application", ("1", "down", "down", "enter"), _has_findings),
    Shot("sessions", ("2",), _has_waits),
    Shot("statements", ("3",), _has_findings),
    Shot("statement", ("3", "enter"), _has_findings),
    Shot("locks", ("4",), _has_waits),
    Shot("findings", ("5",), _has_findings),
    Shot("finding", ("5", "slash", *_N_PLUS_ONE, "enter", "enter"), _has_findings, (120, 48)),
    Shot("plan", ("3", "slash", *_REPORTS, "enter", "e"), _has_findings, (120, 40)),
    Shot("help", ("1", "question_mark"), _has_findings),
    Shot("load", ("1", "w"), _has_load, (120, 40)),
    Shot("columns", ("2", "C"), _has_waits),
    Shot("doctor", ("1", "D"), _has_findings),
    Shot("fleet", (), _has_findings, others=("dbname=postgres", "host=127.0.0.1 port=1 dbname=stock")),
)


async def take(conninfo: str, shots: tuple[Shot, ...], plans: Path) -> None:
    """Take the pictures one after the other, each in a program of its own."""
    for shot in shots:
        app = _app(conninfo, shot, plans)
        async with app.run_test(size=shot.size) as pilot:
            await _scene(app, pilot, shot)
            for key in shot.keys:
                await pilot.press(key)
                await pilot.pause(0.3)
            await pilot.pause(1.5)
            _save(shot.name, app.export_screenshot(title="pgscope"))
        print(f"{shot.name}: {shot.size[0]}x{shot.size[1]}", flush=True)


def _app(conninfo: str, shot: Shot, plans: Path) -> PgscopeApp:
    """The program as `pgscope connect` would start it, its plans kept in that folder."""
    where = target(conninfo)
    beside = [LiveSource(target(f"{conninfo} {other}")) for other in shot.others]
    titles = names([("demo", LiveSource(where)), *(("", source) for source in beside)])
    return PgscopeApp(
        LiveSource(where),
        title=titles[0],
        explaining=partial(Explaining, where, store=PlanStore(plans)),
        checking=Checking(where),
        others=[Server(source, title) for source, title in zip(beside, titles[1:], strict=True)],
    )


async def _scene(app: PgscopeApp, pilot: Pilot[None], shot: Shot) -> None:
    """Wait until there is something to see."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        await pilot.pause(0.25)
        snapshot = app.snapshot
        if shot.scene(snapshot):
            return
    raise SystemExit(f"{shot.name}: the scene did not come within {_PATIENCE:g} s")


def _save(name: str, svg: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    # The fonts would be fetched from the network by whoever looks at it.
    svg = _WEB_FONTS.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    png = resvg_py.svg_to_bytes(svg_string=svg, width=1400, monospace_family="DejaVu Sans Mono")
    (FOLDER / f"{name}.png").write_bytes(bytes(png))


def main() -> None:
    """Take all pictures, or those named."""
    named = set(sys.argv[1:])
    shots = tuple(shot for shot in SHOTS if not named or shot.name in named)
    with (
        start_demo(lambda line: print(line, file=sys.stderr)) as demo,
        tempfile.TemporaryDirectory(prefix="pgscope-shots-") as plans,
    ):
        asyncio.run(take(demo.conninfo, shots, Path(plans)))


if __name__ == "__main__":
    main()
