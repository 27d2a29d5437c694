"""Statement texts in little memory: thousands of long ones are kept, a few are looked at.

What stays of a long text is compressed, SQL takes a third to a tenth of its size then, and put into a private
file; where none is to be had it stays in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Set
from functools import lru_cache, wraps
from typing import TypeAlias, TypeVar

from pgscope.spill import SMALL, Spilled, SpillFile

Packed: TypeAlias = "str | bytes | Spilled"
"""A text as it is kept: itself while it is short."""
Name: TypeAlias = "tuple[int, int]"
"""(dbid, queryid)."""

SHORT = 500
"""Characters: to compress less saves nothing worth it."""
_LEVEL = 1
_FILE = SpillFile()
_UNREADABLE = (OSError, zlib.error, UnicodeDecodeError)
_T = TypeVar("_T")


def pack(text: str) -> Packed:
    """The text as it is kept; equal for equal texts, but where the disk took one and not the other."""
    if len(text) <= SHORT:
        return text
    data = zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL)
    return data if len(data) <= SMALL else _FILE.put(data) or data


def unpack(packed: Packed) -> str:
    """The whole text."""
    if isinstance(packed, str):
        return packed
    try:
        return zlib.decompress(_compressed(packed)).decode("utf-8", "surrogatepass")
    except _UNREADABLE as error:
        return _lost(error)


def start_of(packed: Packed, length: int) -> str:
    """The first characters of a text, so many at least if it has them."""
    if isinstance(packed, str):
        return packed
    try:
        # A character has four bytes at most; one may be cut in two at the end.
        data = zlib.decompressobj().decompress(_compressed(packed), 4 * length)
    except _UNREADABLE as error:
        return _lost(error)
    return data.decode("utf-8", "ignore")


def _compressed(packed: bytes | Spilled) -> bytes:
    return packed if isinstance(packed, bytes) else packed.read()


def _lost(error: Exception) -> str:
    why = error.strerror if isinstance(error, OSError) else ""
    return f"-- this text lay in a temporary file that cannot be read: {why or error}"


class Texts(MutableMapping[Name, str]):
    """Texts by (dbid, queryid), packed."""

    def __init__(self, texts: Mapping[Name, str] | None = None) -> None:
        self.packed: dict[Name, Packed] = {}
        if texts is not None:
            self.update(texts)

    def __getitem__(self, name: Name) -> str:
        return unpack(self.packed[name])

    def __setitem__(self, name: Name, text: str) -> None:
        self.packed[name] = pack(text)

    def __delitem__(self, name: Name) -> None:
        del self.packed[name]

    def __contains__(self, name: object) -> bool:
        return name in self.packed

    def __iter__(self) -> Iterator[Name]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    def take(self, texts: Mapping[Name, str]) -> None:
        """Like `update`; packed texts are shared."""
        self.packed.update(packed_items(texts))

    def copy(self) -> Texts:
        """The same texts, shared."""
        made = Texts()
        made.packed = dict(self.packed)
        return made

    def split(self, wanted: Set[Name]) -> Texts:
        """Take these out, as far as they are here."""
        made = Texts()
        made.packed = {name: self.packed.pop(name) for name in wanted & self.packed.keys()}
        return made


def packed_items(texts: Mapping[Name, str]) -> Iterable[tuple[Name, Packed]]:
    """Names and packed texts."""
    if isinstance(texts, Texts):
        return texts.packed.items()
    return ((name, pack(text)) for name, text in texts.items())


def digest(text: str) -> bytes:
    """What stands for a long text: no two have the same."""
    import hashlib  # when it is first needed

    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def remembered(most: int) -> Callable[[Callable[[str], _T]], Callable[[str], _T]]:
    """Like `lru_cache` for a function of a text, but of long texts only digests are kept."""

    def decorate(function: Callable[[str], _T]) -> Callable[[str], _T]:
        of_short = lru_cache(maxsize=most)(function)
        of_long: dict[bytes, _T] = {}

        @wraps(function)
        def call(text: str) -> _T:
            if len(text) <= SHORT:
                return of_short(text)
            name = digest(text)
            if name not in of_long:
                of_long[name] = function(text)
                while len(of_long) > most:
                    del of_long[next(iter(of_long))]
            return of_long[name]

        return call

    return decorate
