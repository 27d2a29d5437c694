"""Where the cursor and the first visible row are when rows come, go and move: arithmetic on positions."""

from __future__ import annotations


def clamp(value: int, low: int, high: int) -> int:
    """The nearest number within the bounds (`low` if they cross)."""
    return max(low, min(value, high))


def top_for(top: int, cursor: int, height: int, count: int) -> int:
    """The first visible row, moved as little as possible to show the cursor."""
    if cursor < top:
        top = cursor
    elif cursor >= top + height:
        top = cursor - height + 1
    return clamp(top, 0, count - height)


def top_after(top: int, was: int, now: int, height: int, count: int) -> int:
    """The first visible row after the cursor's row went from position `was` to `now`.

    Nothing moves while the row stays in view, or if it was out of view already (someone scrolled away).
    Otherwise the row keeps its line on the screen.
    """
    if top <= was < top + height and not top <= now < top + height:
        top = now - (was - top)
    return clamp(top, 0, count - height)


def thumb(top: int, height: int, count: int) -> range:
    """The lines of the scroll mark, empty if everything is in view."""
    if height < 1 or count <= height:
        return range(0)
    size = max(1, height * height // count)
    start = round((height - size) * top / (count - height))
    return range(start, start + size)
