"""Which columns are shown, where, and how wide. Depends on the columns and the room alone, never on the data,
so that nothing jumps from one snapshot to the next."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.dataclass import dataclass
from pgscope.tui.table.model import Column

GAP = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """A column in its place: `index` in the columns, `x` and `width` in cells."""

    index: int
    x: int
    width: int

    @property
    def end(self) -> int:
        """The cell after the last."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns shown from left to right, and whether others are hidden at either side."""

    slots: tuple[Slot, ...]
    hidden_left: bool = False
    hidden_right: bool = False

    def at(self, x: int) -> Slot | None:
        """The column at a cell, its gap to the right included."""
        return next((slot for slot in self.slots if slot.x <= x < slot.end + GAP), None)


def arrange(columns: Sequence[Column], total: int, first: int = 0) -> Layout:
    """Lay the columns out in `total` cells.

    With `first` = 0 the columns of low priority are left out until the rest fits. With `first` > 0 the view
    is scrolled sideways: that many columns that are not fixed are skipped, the rest follow in their order.
    """
    if total < 1 or not columns:
        return Layout((), hidden_right=bool(columns))
    fixed = [i for i, column in enumerate(columns) if column.fixed]
    others = [i for i, column in enumerate(columns) if not column.fixed]
    first = max(0, min(first, len(others) - 1))
    if first:
        shown = _in_order(columns, fixed, others[first:], total)
        hidden_right = bool(others) and others[-1] not in shown
    else:
        shown = _by_priority(columns, fixed, others, total)
        hidden_right = len(shown) < len(columns)
    slots = _place(shown, _widths(columns, shown, total))
    return Layout(slots, hidden_left=first > 0, hidden_right=hidden_right or len(slots) < len(shown))


def last_first(columns: Sequence[Column], total: int) -> int:
    """The furthest useful `first`: from there on everything to the right is in view."""
    fixed = [i for i, column in enumerate(columns) if column.fixed]
    others = [i for i, column in enumerate(columns) if not column.fixed]
    for first in range(len(others)):
        if _need(columns, fixed + others[first:]) <= total:
            return first
    return max(0, len(others) - 1)


def _need(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[i].least for i in shown) + GAP * max(0, len(shown) - 1)


def _by_priority(columns: Sequence[Column], fixed: list[int], others: list[int], total: int) -> list[int]:
    chosen = list(fixed)
    for i in sorted(others, key=lambda i: (-columns[i].priority, i)):
        if not chosen or (columns[i].needs <= total and _need(columns, [*chosen, i]) <= total):
            chosen.append(i)
    return fixed + [i for i in others if i in chosen]


def _in_order(columns: Sequence[Column], fixed: list[int], rest: list[int], total: int) -> list[int]:
    shown = list(fixed)
    for i in rest:
        if len(shown) > len(fixed) and _need(columns, [*shown, i]) > total:
            break
        shown.append(i)
    return shown


def _widths(columns: Sequence[Column], shown: Sequence[int], total: int) -> list[int]:
    """Least widths, plus each flexible column's part of what is left, its maximum respected."""
    widths = [columns[i].least for i in shown]
    room = total - _need(columns, shown)
    growing = [n for n, i in enumerate(shown) if columns[i].width is None and columns[i].weight > 0]
    while room > 0 and growing:
        weights = sum(columns[shown[n]].weight for n in growing)
        given = 0
        for n in list(growing):
            column = columns[shown[n]]
            limit = total if column.max_width is None else column.max_width
            part = min(int(room * column.weight / weights), limit - widths[n])
            widths[n] += part
            given += part
            if widths[n] >= limit:
                growing.remove(n)
        room -= given
        if not given:  # fewer cells than columns: the leftmost get one each
            for n in growing[:room]:
                widths[n] += 1
            break
    return widths


def _place(shown: Sequence[int], widths: Sequence[int]) -> tuple[Slot, ...]:
    slots = []
    x = 0
    for index, width in zip(shown, widths, strict=True):
        slots.append(Slot(index, x, width))
        x += width + GAP
    return tuple(slots)


def clip(layout: Layout, total: int) -> Layout:
    """The layout cut at `total` cells: the last column is narrowed, those beyond are hidden."""
    slots = tuple(Slot(s.index, s.x, min(s.width, total - s.x)) for s in layout.slots if s.x < total)
    return Layout(slots, layout.hidden_left, layout.hidden_right or len(slots) < len(layout.slots))
