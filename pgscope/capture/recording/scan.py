"""What lies where in a file: from its indexes where there are some, else from the headers of its frames."""

from __future__ import annotations

import json
import zlib
from dataclasses import field
from typing import BinaryIO

from pgscope.capture.recording import frame
from pgscope.capture.recording.frame import Frame
from pgscope.capture.recording.run import Entries, mark_of
from pgscope.dataclass import dataclass

_TAIL = 8_000_000
"""Bytes at the end in which a whole frame is looked for; one is rarely larger than a few hundred kB."""
_TAIL_FIRST = 64_000
"""Bytes in which it is looked for first."""
_PIECE = 1 << 20
"""Bytes that are searched at a time."""
_WRONG = (ValueError, TypeError, KeyError, OverflowError, RecursionError, zlib.error)


@dataclass
class Layout:
    """The frames of a file, up to where it is whole."""

    entries: Entries
    """Of the whole file."""
    size: int
    """Bytes that can be read."""
    newest: Entries = field(default_factory=Entries)
    """Those of them that no index has yet."""
    last_index: int = 0
    """Offset; 0 for none."""
    last: Frame | None = None
    damage: str = ""
    """What is wrong with what comes after `size`; '' if nothing does."""


def layout(file: BinaryIO, size: int) -> Layout:
    """What lies in the first `size` bytes of a file; nothing of it if it does not begin as a recording."""
    first = frame.header_at(file, 0)
    if first is None or first.kind != frame.HEAD or frame.payload_of(file, first) is None:
        return Layout(Entries(), 0, damage="not a recording" if size else "")
    indexed = _indexed(file, size)
    if indexed is None:
        return _walk(file, size, 0, Entries(), 0)
    entries, last_index = indexed
    return _walk(file, size, last_index, entries, last_index)


def _indexed(file: BinaryIO, size: int) -> tuple[Entries, int] | None:
    """All that the indexes of a file hold, and where the last lies; None if they do not reach its start."""
    last = _last_frame(file, size)
    if last is None:
        return None
    at = last.offset if last.kind == frame.INDEX else last.offset - last.back
    if last.kind != frame.INDEX and not last.back:
        return None
    newest = at
    chain: list[Entries] = []
    while at:
        found = _index_at(file, at)
        if found is None or found[1] >= at:
            return None
        chain.append(found[0])
        at = found[1]
    whole = Entries()
    for part in reversed(chain):
        whole.heads += part.heads
        whole.dictionaries += part.dictionaries
        whole.segments += part.segments
        whole.marks += part.marks
    # Where recordings were joined, the chain ends at the head of the last.
    return (whole, newest) if whole.heads and whole.heads[0] == 0 else None


def _index_at(file: BinaryIO, at: int) -> tuple[Entries, int] | None:
    header = frame.header_at(file, at)
    if header is None or header.kind != frame.INDEX:
        return None
    payload = frame.payload_of(file, header)
    if payload is None:
        return None
    try:
        return Entries.unpacked(payload, at)
    except _WRONG:
        return None


def _last_frame(file: BinaryIO, size: int) -> Frame | None:
    length = _TAIL_FIRST
    while True:
        begin = max(size - length, 0)
        file.seek(begin)
        tail = file.read(size - begin)
        place = tail.rfind(frame.MAGIC)
        while place >= 0:
            found = frame.unpack(tail[place : place + frame.SIZE], begin + place)
            if found is not None:
                return found
            place = tail.rfind(frame.MAGIC, 0, place)
        if length >= min(size, _TAIL):
            return None
        length *= 16


def whole_frame(file: BinaryIO, begin: int, size: int) -> Frame | None:
    """The first frame that begins at or after a byte and is whole, its payload too; None if there is none."""
    while begin < size:
        file.seek(begin)
        piece = file.read(min(_PIECE, size - begin))
        place = piece.find(frame.MAGIC)
        while place >= 0:
            found = frame.header_at(file, begin + place)
            if found is not None and found.next <= size and frame.payload_of(file, found) is not None:
                return found
            place = piece.find(frame.MAGIC, place + 1)
        if len(piece) < _PIECE:
            return None
        # A header may lie across the border.
        begin += len(piece) - len(frame.MAGIC) + 1
    return None


def _walk(file: BinaryIO, size: int, at: int, entries: Entries, last_index: int) -> Layout:
    """Go from header to header, to the end or to the first that is none."""
    found = Layout(entries, at, last_index=last_index)
    begun: tuple[int, float] | None = None
    end, waits = 0.0, False

    def finish() -> None:
        if begun is not None:
            for one in (found.entries, found.newest):
                one.segments.append((*begun, end, waits))

    while at < size:
        header = frame.header_at(file, at)
        if header is None:
            left = size - at
            found.damage = f"cut off at byte {at:,}" if left < frame.SIZE else f"damaged at byte {at:,}"
            break
        if header.next > size:
            found.damage = f"cut off at byte {at:,}"
            break
        if header.kind == frame.INDEX:
            finish()
            begun = None
            if at != last_index:
                found.newest, found.last_index = Entries(), at
        elif header.kind == frame.KEY:
            finish()
            begun, end, waits = (at, header.start), header.end, bool(header.flags & frame.WAITS)
        elif header.kind == frame.CHUNK:
            end, waits = max(end, header.end), waits or bool(header.flags & frame.WAITS)
        elif header.kind in (frame.HEAD, frame.DICTIONARY, frame.MARK):
            if header.kind == frame.HEAD:
                finish()
                begun = None
            for one in (found.entries, found.newest):
                _add(one, header, file)
        found.last = header
        at = found.size = header.next
    finish()
    return found


def _add(entries: Entries, header: Frame, file: BinaryIO) -> None:
    if header.kind == frame.HEAD:
        entries.heads.append(header.offset)
    elif header.kind == frame.DICTIONARY:
        entries.dictionaries.append(header.offset)
    else:
        try:
            entries.marks.append(mark_of(json.loads(frame.payload_of(file, header) or b"")))
        except _WRONG:
            return
