"""The load of the last minutes as a stacked graph: active sessions by what they wait for, or whose they are.

It is drawn anew only when a whole stretch of time has passed: a graph that moved with every poll would cost a
slow link more than the table above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from textual.binding import Binding

from pgscope.analysis.load import WAIT_CLASSES, LoadPoint, Part, Stacked, stacked
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.tui.glyphs import Signs
from pgscope.tui.header import clock
from pgscope.tui.sparkline import ASCII_FILLS, FILLS, short_number, stacked_columns
from pgscope.tui.stage import Status
from pgscope.tui.tonelines import Run, Runs, ToneLines, cut_runs

STEP_S = 5.0
COLUMNS = 60
_LEAST_SCREEN = 14
_AXIS = 5
_LEGEND = 28
_COLOURS = (
    "$text-success",
    "$text-primary",
    "$text-warning",
    "bold $text-error",
    "$text-accent",
    "$text-secondary",
    "dim",
)
_BY_CLASS = dict(zip(WAIT_CLASSES, (0, 1, 2, 3, 2, 4, 5, 6, 4, 6), strict=True))

NO_ROOM = f"The graph of the load needs {_LEAST_SCREEN} lines"
LOAD_KEY = Binding(
    "w",
    "load",
    "Load",
    tooltip="Graph of the load: by what is waited for, by whose it is, none",
    id="frame.load",
    show=False,
)


class LoadGraph(ToneLines):
    """A graph with its axis and, at the right, what each part is and how much of it there was lately."""

    DEFAULT_CSS: ClassVar[str] = """
    LoadGraph { height: 8; background: $background; color: $foreground; padding: 0 1; display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._key: object = None
        self._given: Stacked | None = None
        self._signs: Signs | None = None
        self._end = "now"

    def fit(self, wanted: bool, screen: int) -> None:
        """Be there if it is wanted and a screen of that many lines leaves room for a table, too."""
        self.display = wanted and has_room(screen)
        self.styles.height = min(8, screen // 3)

    def show_load(self, snapshot: Snapshot, title: str, part: Part, status: Status) -> None:
        """Show the load of a snapshot, split as `part` says; nothing is done while no new stretch is full."""
        points: Sequence[LoadPoint] = snapshot.load
        first, last = (points[0].mono, points[-1].mono) if points else (0.0, 0.0)
        # In the past the same moment comes again with more that was before it.
        since = int(first // STEP_S) if last - first < (COLUMNS - 2) * STEP_S else 0
        live = snapshot.link.connected and status.past is None and not status.paused
        key = (title, since, int(last // STEP_S), live)
        if key != self._key:
            self._key, self._title, self._signs = key, title, status.signs
            self._end = "now" if live or not points else clock(points[-1].at - last % STEP_S)
            self._given = stacked(points, part, step=STEP_S, count=COLUMNS, order=WAIT_CLASSES)
            self.changed()

    def lines(self, width: int, height: int) -> Sequence[Runs]:
        if self._given is None or self._signs is None:
            return ()
        return lines(self._given, self._title, width, height, self._signs, self._end)


def has_room(screen: int) -> bool:
    """Whether a screen of that many lines has room for the graph."""
    return screen >= _LEAST_SCREEN


def lines(
    load: Stacked, title: str, width: int, height: int, signs: Signs, end: str = "now"
) -> list[list[Run]]:
    """`height` lines of at most `width` cells: a title, the graph with its axis and legend, the times.

    `end` says when the graph ends.
    """
    room = max(1, height - 2)
    legend = _legend(load, signs) if width >= _AXIS + 20 + _LEGEND else []
    columns = max(1, min(COLUMNS, width - _AXIS - 1 - (_LEGEND if legend else 0)))
    top = _ceiling(load.tallest)
    drawn = stacked_columns(
        [column or () for column in load.columns], columns, room, high=top, ascii_only=signs.ascii_only
    )
    minutes = columns * STEP_S / 60.0
    lately = f"last {minutes:.2g} min" if end == "now" else f"{minutes:.2g} min to {end}"
    made: list[list[Run]] = [[(title, "heading"), (f"  active sessions, {lately}", "muted")]]
    for y, text in enumerate(drawn):
        label = short_number(top) if y == 0 else "0" if y == room - 1 else ""
        line = [(label.rjust(_AXIS - 1) + " ", "muted"), *_coloured(text, load)]
        if y < len(legend):
            line += [("  ", "normal"), *legend[y]]
        made.append(line)
    scale = f"-{minutes:.1f} min".ljust(columns - len(end)) + end
    made.append([((" " * _AXIS + scale)[:width], "muted")])
    return [cut_runs(line, width) for line in made[:height]]


def _ceiling(tallest: float) -> float:
    """The top of the axis: a round number, so that it seldom changes."""
    for top in (1, 2, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80):
        if tallest <= top:
            return float(top)
    return float(-(-tallest // 50) * 50)


def _style(load: Stacked, n: int) -> str:
    return _COLOURS[_BY_CLASS.get(load.parts[n], n % len(_COLOURS))] if n < len(load.parts) else "normal"


def _coloured(text: str, load: Stacked) -> list[Run]:
    """Each part in its colour; its fill tells it apart without one."""
    pieces = []
    for glyph, run in groupby(text):
        place = max(FILLS.find(glyph), ASCII_FILLS.find(glyph))
        pieces.append(("".join(run), _style(load, place) if place >= 0 else "normal"))
    return pieces


def _legend(load: Stacked, signs: Signs) -> list[list[Run]]:
    """The parts from the top of the stack down, each with its fill and its average over the last minute."""
    fills = ASCII_FILLS if signs.ascii_only else FILLS
    found: list[list[Run]] = []
    for n in reversed(range(len(load.parts))):
        name = signs.line(load.parts[n])[: _LEGEND - 10].ljust(_LEGEND - 10)
        amount = numbers.count(round(load.recent[n], 2)).rjust(5)
        found.append([(fills[n % len(fills)] * 2, _style(load, n)), (f" {name}{amount}", "normal")])
    if not found:
        # Only whole steps of time are drawn, and the first is not over yet.
        polled = any(column is not None for column in load.columns)
        return [[("nothing active" if polled else "in a few seconds", "muted")]]
    return found
