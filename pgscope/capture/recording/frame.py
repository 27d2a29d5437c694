"""Frames, the unit of a recording: a header that can be checked by itself, then a payload with a checksum."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from pgscope.capture.recording.bounds import is_moment
from pgscope.dataclass import dataclass

MAGIC = b"PGSR"
HEAD, DICTIONARY, KEY, CHUNK, INDEX, MARK = b"HDKCIM"
"""Kinds of frames: the start of a run, words and texts, the start of a segment, what follows in it, an index
of what lies before, and a moment worth jumping to."""
WAITS = 1
"""Flag of KEY and CHUNK: somebody waited for a lock."""
_HEADER = struct.Struct("<4sBBxxIIQdd")
_CHECK = struct.Struct("<I")
SIZE = _HEADER.size + _CHECK.size
"""Bytes of a header."""


@dataclass(frozen=True)
class Frame:
    """A frame's header, and where it lies in its file (bytes)."""

    offset: int
    kind: int
    flags: int
    length: int
    """Bytes of the payload."""
    crc: int
    back: int
    """Bytes from here back to the newest index of the run; 0 where there is none."""
    start: float
    end: float
    """When the samples in it were taken, epoch seconds by the server's clock."""

    @property
    def payload_at(self) -> int:
        """Where the payload begins."""
        return self.offset + SIZE

    @property
    def next(self) -> int:
        """Where the next frame begins."""
        return self.offset + SIZE + self.length


def pack(
    kind: int, payload: bytes, *, flags: int = 0, back: int = 0, start: float = 0.0, end: float = 0.0
) -> bytes:
    """The bytes of a frame."""
    header = _HEADER.pack(MAGIC, kind, flags, len(payload), zlib.crc32(payload), back, start, end)
    return header + _CHECK.pack(zlib.crc32(header)) + payload


def unpack(raw: bytes, offset: int) -> Frame | None:
    """The header that these bytes begin with; None if they are none."""
    if len(raw) < SIZE or raw[:4] != MAGIC:
        return None
    header = raw[: _HEADER.size]
    if _CHECK.unpack_from(raw, _HEADER.size)[0] != zlib.crc32(header):
        return None
    _, kind, flags, length, crc, back, start, end = _HEADER.unpack(header)
    if not (is_moment(start) and is_moment(end)):
        return None
    return Frame(offset, kind, flags, length, crc, back, start, end)


def header_at(file: BinaryIO, offset: int) -> Frame | None:
    """The header that lies there; None if there is none."""
    if not 0 <= offset < 2**62:
        return None
    file.seek(offset)
    return unpack(file.read(SIZE), offset)


def payload_of(file: BinaryIO, frame: Frame) -> bytes | None:
    """A frame's payload; None if it is cut off or damaged."""
    file.seek(frame.payload_at)
    payload = file.read(frame.length)
    if len(payload) != frame.length or zlib.crc32(payload) != frame.crc:
        return None
    return payload
