"""One file of a recording: its layout, and the samples of a segment."""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pgscope.capture.recording import frame
from pgscope.capture.recording.bounds import MOST_BYTES, number, unpacked
from pgscope.capture.recording.decode import Decoder, Undecodable
from pgscope.capture.recording.handle import Handle
from pgscope.capture.recording.rotation import numbered
from pgscope.capture.recording.run import FORMAT
from pgscope.capture.recording.scan import layout
from pgscope.capture.recording.words import Read
from pgscope.errors import UsageError
from pgscope.sample import Mark, Sample

_WRONG = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, zlib.error)


class Damaged(Exception):
    """The file cannot be read on from here."""


class Part:
    """Reads one file. `refresh` takes in what was written since."""

    def __init__(self, file: BinaryIO | Handle, name: str) -> None:
        """Raises UsageError for what is no recording, or one of a newer program's format."""
        self._source = file
        self.name = name
        self._heads: dict[int, dict[str, Any]] = {}
        self._words: tuple[int, int, Read] | None = None
        self._lost: dict[int, tuple[int, str]] = {}
        """Of a run the first of its dictionaries that cannot be read, and why: nothing after it can be."""
        self.refresh()

    @classmethod
    def open(cls, path: Path, number: int = 0) -> Part:
        """A file, or the older one with this number.

        Raises UsageError for what cannot be read, or is no recording.
        """
        name = numbered(path, number)
        try:
            handle = Handle(path, number)
        except OSError as error:
            raise UsageError(f"cannot read {name}: {error.strerror}") from None
        try:
            return cls(handle, str(name))
        except BaseException:
            handle.rest()
            raise

    @property
    def _file(self) -> BinaryIO:
        if not isinstance(self._source, Handle):
            return self._source
        try:
            return self._source.file
        except FileNotFoundError:
            # Another file may have that name by now.
            raise Damaged(f"what was {self.name} when it was opened is not there any more") from None
        except OSError as error:
            raise Damaged(f"{self.name} cannot be read: {error.strerror}") from None

    def refresh(self) -> None:
        """Look at the file anew: it may have grown."""
        size = self._file.seek(0, 2)
        found = layout(self._file, size)
        self.entries = found.entries
        self.damage = found.damage
        self.size = found.size
        if not found.size:
            raise UsageError(f"{self.name} is not a recording of pgscope, or nothing is in it yet")
        try:
            self.head(self.entries.heads[0])
        except Damaged as error:
            raise UsageError(f"{error}: nothing of it can be read") from None

    def lies_at(self, path: Path) -> bool:
        """Whether the path names this file, which may have got another name since it was opened."""
        return isinstance(self._source, Handle) and self._source.lies_at(path)

    @property
    def gone(self) -> bool:
        """Whether the file has no name any more."""
        return isinstance(self._source, Handle) and self._source.gone

    @property
    def series(self) -> str:
        """What files that follow each other have in common; '' if there is nothing.

        Raises Damaged, UsageError.
        """
        return str(self.head(self.entries.heads[0]).get("series") or "")

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._source, Handle):
            self._source.rest()
        else:
            self._source.close()

    def rest(self) -> None:
        """Close the file until it is read again."""
        if isinstance(self._source, Handle):
            self._source.rest()

    @property
    def start(self) -> float:
        """When the first sample was taken, epoch seconds; 0 if there is none."""
        return self.entries.segments[0][1] if self.entries.segments else 0.0

    @property
    def end(self) -> float:
        """When the last sample was taken."""
        return self.entries.segments[-1][2] if self.entries.segments else 0.0

    @property
    def marks(self) -> list[Mark]:
        """Moments worth jumping to, oldest first."""
        return sorted(self.entries.marks)

    @property
    def redacted(self) -> list[bool]:
        """Of each run, oldest first, whether it says that constants were taken out of its statements."""
        return [self._says_redacted(offset) for offset in self.entries.heads]

    def _says_redacted(self, offset: int) -> bool:
        try:
            return bool(self.head(offset).get("redacted"))
        except (Damaged, UsageError):
            return False

    def head(self, offset: int) -> dict[str, Any]:
        """The head at this offset. Raises Damaged, or UsageError for a format that is not known yet."""
        if offset not in self._heads:
            header = frame.header_at(self._file, offset)
            payload = frame.payload_of(self._file, header) if header is not None else None
            try:
                content = json.loads(unpacked(payload or b""))
                newer = content["format"] > FORMAT
                times = number(float(content["at"])) - number(float(content["mono"]))
                if not isinstance(content.get("schema", {}), dict):
                    raise ValueError("no schema")
            except _WRONG:
                raise Damaged(f"{self.name}: the head at byte {offset:,} is damaged") from None
            if newer:
                raise UsageError(
                    f"{self.name} was made by a newer pgscope ({content.get('pgscope')}): use that"
                )
            self._heads[offset] = {**content, "shift": times}
        return self._heads[offset]

    def segment(self, number: int) -> Iterator[tuple[Sample, bool]]:
        """The samples of a segment, each with whether it only repeats what held before. Raises Damaged."""
        offset = self.entries.segments[number][0]
        run = self.entries.heads[bisect_right(self.entries.heads, offset) - 1]
        words = self._words_until(run, offset)
        try:
            decoder = Decoder(self.head(run).get("schema", {}), words, self.head(run)["shift"])
        except Undecodable as error:
            raise Damaged(f"{self.name}: {error}") from None
        unpacker = zlib.decompressobj()
        at, repeats = offset, -1
        while at < self.size:
            header = frame.header_at(self._file, at)
            if header is None:
                raise Damaged(f"{self.name} is damaged at byte {at:,}")
            if header.kind in (frame.HEAD, frame.INDEX) or (header.kind == frame.KEY and at != offset):
                return
            if header.kind == frame.DICTIONARY:
                self._learn(words, header)
            elif header.kind in (frame.KEY, frame.CHUNK):
                for line in self._lines(header, unpacker):
                    if repeats < 0:
                        repeats = _whole(line, header, self.name)
                        continue
                    try:
                        sample = decoder.sample(line)
                    except Undecodable as error:
                        raise Damaged(f"{self.name} is damaged at byte {at:,} ({error})") from None
                    if sample is not None:
                        yield sample, repeats > 0
                    repeats = max(repeats - 1, 0)
            at = header.next

    def forget_words(self) -> None:
        """Let go of the words of its runs, which may be 100 MB; they are read again if it is read again."""
        self._words = None

    def texts(self, number: int) -> dict[tuple[int, int], str]:
        """The statement texts known when a segment begins. Raises Damaged."""
        offset = self.entries.segments[number][0]
        run = self.entries.heads[bisect_right(self.entries.heads, offset) - 1]
        return dict(self._words_until(run, offset).texts)

    # --- inside

    def _lines(self, header: frame.Frame, unpacker: Any) -> list[bytes]:
        payload = frame.payload_of(self._file, header)
        try:
            if payload is None:
                raise ValueError("checksum")
            content = bytes(unpacker.decompress(payload, MOST_BYTES))
            if unpacker.unconsumed_tail:
                raise ValueError("more than a recording holds")
            return content.splitlines()
        except (ValueError, zlib.error):
            raise Damaged(f"{self.name} is damaged at byte {header.offset:,}") from None

    def _words_until(self, run: int, offset: int) -> Read:
        """The words of a run as of an offset, or more: they are kept, and an earlier segment has no other."""
        lost, why = self._lost.get(run, (offset + 1, ""))
        if lost <= offset:
            raise Damaged(why)
        if self._words is None or self._words[0] != run:
            self._words = (run, run, Read())
        _, place, words = self._words
        dictionaries = self.entries.dictionaries
        for one in dictionaries[bisect_right(dictionaries, place) : bisect_right(dictionaries, offset)]:
            try:
                header = frame.header_at(self._file, one)
                if header is None:
                    raise Damaged(f"{self.name} is damaged at byte {one:,}")
                self._learn(words, header)
            except Damaged as error:
                self._lost[run] = (one, str(error))
                raise
        self._words = (run, max(place, offset), words)
        return words

    def _learn(self, words: Read, header: frame.Frame) -> None:
        payload = frame.payload_of(self._file, header)
        try:
            content = json.loads(unpacked(payload or b"").decode("utf-8", "surrogatepass"))
            if content["first"] == words.size:
                words.add(content)
            elif content["first"] > words.size:
                raise ValueError("a dictionary is missing")
        except _WRONG:
            raise Damaged(f"{self.name} is damaged at byte {header.offset:,}") from None


def _whole(line: bytes, header: frame.Frame, name: str) -> int:
    try:
        return int(line)
    except ValueError:
        raise Damaged(f"{name} is damaged at byte {header.offset:,}") from None
