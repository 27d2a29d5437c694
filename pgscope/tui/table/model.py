"""What a table is given: columns once, rows with every snapshot. Plain, immutable data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal, NamedTuple

from pgscope.dataclass import dataclass

Tone = Literal["normal", "muted", "accent", "good", "warn", "bad", "heading"]
"""What a colour would say. A word or glyph in the text must say it too."""

TONES: tuple[Tone, ...] = ("normal", "muted", "accent", "good", "warn", "bad", "heading")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: who it is, how wide it may be, and how it sorts.

    Either `width` (cells, always the same) or `min_width`, `max_width` and `weight` (its part of the room
    that is left over). When room is short the columns of the lowest `priority` go first; `fixed` ones stay,
    at the left, also while scrolling sideways. The first click or key sorts numbers (`justify="right"`)
    downwards and text upwards unless `descending` says otherwise.
    In a table of fewer than `needs` cells it leaves its room to the others.
    """

    key: str
    title: str
    width: int | None = None
    min_width: int = 4
    max_width: int | None = None
    weight: float = 1.0
    needs: int = 0
    justify: Literal["left", "right"] = "left"
    sortable: bool = True
    sort_key: Callable[[Any], Any] | None = None
    descending: bool | None = None
    fixed: bool = False
    priority: int = 0
    tooltip: str = ""

    def __post_init__(self) -> None:
        if self.width is not None and self.width < 1:
            raise ValueError(f"column {self.key}: width must be at least 1")
        if self.min_width < 1 or (self.max_width is not None and self.max_width < self.min_width):
            raise ValueError(f"column {self.key}: 1 <= min_width <= max_width")
        if self.weight < 0:
            raise ValueError(f"column {self.key}: weight must not be negative")

    @property
    def least(self) -> int:
        """The fewest cells the column is shown with."""
        return self.min_width if self.width is None else self.width

    @property
    def first_descending(self) -> bool:
        """Whether the first sort by this column runs downwards."""
        return self.justify == "right" if self.descending is None else self.descending


class Cell(NamedTuple):
    """Plain text with a tone. `normal` takes the tone of its row."""

    text: str
    tone: Tone = "normal"


Cells = tuple[Cell | str, ...]


class Row(NamedTuple):
    """A row of a snapshot. Tuples, because thousands of them are made for every refresh.

    `cells` and `sort_values` stand in the order of the columns. `cells` may be a function, which is called
    for the rows on screen only; so may `sort_values`, called with the column that sorts. A sort value of
    None (or NaN) goes to the end either way. `indent` is the depth in a tree given in preorder (children
    sort below their parent), `prefix` its lines, drawn before the first column's text. `mark` is a glyph
    for the left margin.
    """

    key: Hashable
    cells: Cells | Callable[[], Cells]
    sort_values: Sequence[Any] | Callable[[int], Any] = ()
    tone: Tone = "normal"
    indent: int = 0
    prefix: str = ""
    mark: str = ""
