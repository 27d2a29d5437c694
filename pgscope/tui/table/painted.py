"""What is on the screen now: lines, their strips, and which row each line shows."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip

from pgscope.tui.table.lines import Line, changed_to, strip_of

_SEGMENT_BYTES = 40  # the codes around a run of one style, about

Key = tuple[Hashable] | None
"""The key of the row on a line, in a tuple; None where there is no row."""


class Painted:
    """The painted lines, brought up to date in one go or, on a slow link, in slices."""

    def __init__(self) -> None:
        self.size = Size(-1, -1)
        self.strips: list[Strip] = []
        self._lines: list[Line] = []
        self._keys: list[Key] = []
        self._resume = 0

    def key_at(self, y: int) -> Key:
        """The row that a person sees on a line."""
        return self._keys[y] if 0 <= y < len(self._keys) else None

    def rebuild(self, size: Size, lines: Sequence[Line], keys: Sequence[Key], base: Style) -> None:
        """Forget what there was and take all lines as they are."""
        self.size = size
        self._lines = list(lines)
        self._keys = list(keys)
        self.strips = [strip_of(line, size.width, base) for line in lines]

    def update(
        self,
        lines: Sequence[Line],
        keys: Sequence[Key],
        base: Style,
        first: Collection[int],
        budget: int | None,
    ) -> tuple[list[Region], bool]:
        """Take over what changed. Returns what to repaint, and whether all of it is done.

        With a `budget` (bytes) only the lines in `first` are certain to be done; the rest goes round, so that
        none is left out for ever.
        """
        regions: list[Region] = []
        height = len(lines)
        places: Sequence[int] = range(height)
        if budget is not None:
            places = sorted(places, key=lambda y: (y not in first, (y - self._resume) % height))
        for y in places:
            if not (end := changed_to(self._lines[y], lines[y], self.size.width)):
                self._keys[y] = keys[y]
                continue
            if budget is not None and y not in first and budget <= 0:
                self._resume = y
                return regions, False
            self._lines[y] = lines[y]
            self._keys[y] = keys[y]
            self.strips[y] = strip_of(lines[y], self.size.width, base)
            regions.append(Region(0, y, end, 1))
            if budget is not None:
                budget -= end + _SEGMENT_BYTES * len(self.strips[y])
        return regions, True
