"""Bytes that are seldom asked for, in a private file in place of memory.

The file has no name, or loses it at once, so it is gone with the process, however that ends. What lies in it
is enciphered with a key that only this process has: statement texts may hold what nobody wanted on a disk,
where it could be read long after the file is gone.
"""

from __future__ import annotations

import os
import tempfile
from itertools import count
from threading import Lock
from typing import Final

SMALL: Final = 256
"""Bytes: what is as short takes no less memory elsewhere."""
_NONCE: Final = 8
_FOLDERS: Final = ("/var/tmp", None)
"""Where temporary files lie on a disk, not in memory; and else wherever they lie."""


class Spilled:
    """Some bytes in a file, `size` of them; its place is free again when nobody has this object any more.

    It has no `__len__`: thousands are asked whether they are there, and that would call it.
    """

    __slots__ = ("_file", "_place", "size")

    def __init__(self, file: SpillFile, place: int, size: int) -> None:
        self._file = file
        self._place = place
        self.size = size

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Spilled):
            return NotImplemented
        try:
            return self.size == other.size and self.read() == other.read()
        except OSError:
            return False

    def __hash__(self) -> int:
        return hash(self.size)

    def __del__(self) -> None:
        self._file.free(self._place, self.size)

    def read(self) -> bytes:
        """The bytes. Raises OSError."""
        return self._file.read(self._place, self.size)


def _room(size: int) -> int:
    """Bytes of the file that so many bytes take."""
    return 1 << (_NONCE + size - 1).bit_length()


class SpillFile:
    """Takes bytes into a file that is made when it is first needed; safe for several threads."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._numbers = count()
        self._lock = Lock()
        self._descriptor: int | None = None
        self._refused = False
        self._free: dict[int, list[int]] = {}
        """Places by their room, which is a power of two: what comes and goes for days fills what went."""
        self.length = 0
        """Bytes of the file that are given out or were."""

    def put(self, data: bytes) -> Spilled | None:
        """Take these bytes; None where there is no file to be had or no room on the disk."""
        size = len(data)
        with self._lock:
            descriptor = self._opened()
            if descriptor is None:
                return None
            nonce = next(self._numbers).to_bytes(_NONCE, "big")
            place = self._place(size)
        written = nonce + self._enciphered(nonce, data)
        try:
            whole = os.pwrite(descriptor, written, place) == len(written)
        except OSError:
            whole = False
        if not whole:
            self.free(place, size)
            return None
        return Spilled(self, place, size)

    def read(self, place: int, size: int) -> bytes:
        """What was put there. Raises OSError."""
        assert self._descriptor is not None
        written = os.pread(self._descriptor, _NONCE + size, place)
        if len(written) < _NONCE + size:
            raise OSError("the temporary file is shorter than it was")
        return self._enciphered(written[:_NONCE], written[_NONCE:])

    def free(self, place: int, size: int) -> None:
        """So many bytes that were put there are not needed any more."""
        # Without the lock: this may run wherever an object ends, also in the thread that has it.
        self._free.setdefault(_room(size), []).append(place)

    def _opened(self) -> int | None:
        if self._descriptor is None and not self._refused:
            for folder in (None,) if os.environ.get("TMPDIR") else _FOLDERS:
                try:
                    with tempfile.TemporaryFile(buffering=0, dir=folder) as made:
                        self._descriptor = os.dup(made.fileno())
                    return self._descriptor
                except OSError:
                    continue
            self._refused = True
        return self._descriptor

    def _place(self, size: int) -> int:
        """Where there is room for so many bytes."""
        room = _room(size)
        try:
            return self._free[room].pop()
        except (KeyError, IndexError):
            place = self.length
            self.length += room
            return place

    def _enciphered(self, nonce: bytes, data: bytes) -> bytes:
        """The bytes with a stream of the key and a number that no other bytes have; twice is not at all."""
        import hashlib  # when it is first needed

        size = len(data)
        stream = hashlib.shake_128(self._key + nonce).digest(size)
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(size, "big")
