"""A list that counts on while its beginning is forgotten."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Tail(Sequence[T]):
    """Append to it for ever: its length and places are those of the whole, of which the last are kept."""

    def __init__(self, before: T, most: int = 4000) -> None:
        """What is forgotten reads as `before`; `most` are kept."""
        self._before = before
        self._kept: deque[T] = deque(maxlen=most)
        self._count = 0

    def append(self, value: T) -> None:
        """Add at the end."""
        self._kept.append(value)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(index)
        place -= self._count - len(self._kept)
        return self._kept[place] if place >= 0 else self._before
