"""Lines of the screen that go as soon as others take their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.strip import Strip


class PassingStrip(Strip):
    """A strip that is drawn for a moment.

    One of Textual's remembers that, divided at its end, it is itself. So it refers to itself, and stays until
    the garbage collector comes by: with a table that changes each second megabytes of lines that nobody sees.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """As Textual does; whole, it is not remembered."""
        places = [cut for cut in cuts if cut <= self.cell_length]
        return [self] if places == [self.cell_length] else super().divide(places)


def passing(strip: Strip) -> PassingStrip:
    """The same, to be drawn for a moment."""
    return strip if isinstance(strip, PassingStrip) else PassingStrip(strip, strip.cell_length)
