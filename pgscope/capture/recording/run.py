"""Writes one run of a recording: segments that can be read by themselves, in chunks of a few seconds."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from pgscope import __version__
from pgscope.capture.recording import frame
from pgscope.capture.recording.bounds import is_moment, text, unpacked
from pgscope.capture.recording.encode import Encoder, schema
from pgscope.capture.recording.words import Words
from pgscope.dataclass import dataclass
from pgscope.packed import Texts
from pgscope.sample import Mark, Poll, Sample, StatementTexts

FORMAT = 1
"""Rises when a file could not be read by an older program."""
CHUNK_SECONDS = 2.0
"""What a kill may lose."""
MOST_HELD = 2_000_000
"""Bytes of new words that are held back."""
SEGMENT_SECONDS = 60.0
_INDEX_EVERY = 30
"""Segments."""
_LEVEL = 1

Append = Callable[[bytes], None]
"""Puts bytes at the end of the file, all or none. Raises OSError."""


@dataclass
class Entries:
    """What lies in a stretch of a file: offsets of frames, and moments worth jumping to."""

    heads: list[int] = field(default_factory=list)
    dictionaries: list[int] = field(default_factory=list)
    segments: list[tuple[int, float, float, bool]] = field(default_factory=list)
    """Offset, start and end (epoch seconds), and whether somebody waited for a lock."""
    marks: list[Mark] = field(default_factory=list)

    def packed(self, at: int, previous: int) -> bytes:
        """The payload of an index at this offset; `previous` is the offset of the one before, 0 for none."""
        content = {
            "previous": at - previous if previous else 0,
            "heads": [at - one for one in self.heads],
            "dictionaries": [at - one for one in self.dictionaries],
            "segments": [(at - one, *rest) for one, *rest in self.segments],
            "marks": self.marks,
        }
        return zlib.compress(dumped(content))

    @staticmethod
    def unpacked(payload: bytes, at: int) -> tuple[Entries, int]:
        """The entries of an index at this offset, and the offset of the one before (0: none).

        Raises ValueError (zlib.error, KeyError, TypeError) for what is no index.
        """
        content = json.loads(unpacked(payload))
        entries = Entries(
            [at - one for one in content["heads"]],
            [at - one for one in content["dictionaries"]],
            [(at - offset, start, end, bool(waits)) for offset, start, end, waits in content["segments"]],
            [mark_of(one) for one in content["marks"]],
        )
        offsets = [*entries.heads, *entries.dictionaries, *(one[0] for one in entries.segments)]
        if not all(isinstance(one, int) and 0 <= one < at for one in offsets):
            raise ValueError("an index of what is not before it")
        if not all(is_moment(start) and is_moment(end) for _, start, end, _ in entries.segments):
            raise ValueError("an index of times that are none")
        previous = content["previous"]
        if not isinstance(previous, int) or not 0 <= previous <= at:
            raise ValueError("an index before that is not there")
        return entries, at - previous if previous else 0


def mark_of(content: Any) -> Mark:
    """A mark as it was written. Raises ValueError, TypeError for what is none."""
    at, kind, label = content[:3]
    if not (is_moment(at) and isinstance(kind, str) and isinstance(label, str)):
        raise ValueError("not a mark")
    return Mark(at, text(kind), text(label))


def dumped(content: Any) -> bytes:
    """JSON without spaces."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Carried:
    """What a run begins with that earlier ones know: samples that hold until further notice, and texts."""

    sticky: Mapping[str, Sample] = field(default_factory=dict)
    texts: Mapping[tuple[int, int], str] = field(default_factory=dict)


class Run:
    """Takes samples; `append` gets whole frames. After an OSError of `append` the run is over."""

    def __init__(
        self,
        append: Append,
        *,
        offset: int = 0,
        head: Mapping[str, Any] | None = None,
        carried: Carried | None = None,
        before: Entries | None = None,
        last_index: int = 0,
        level: int = _LEVEL,
        segment: float = SEGMENT_SECONDS,
    ) -> None:
        """`offset` is the file's size; `before` what lies in it after the index at `last_index`.

        `segment` is how many seconds a segment spans.
        """
        self._append = append
        self.offset = offset
        self._head = dict(head or {})
        self._carried = carried or Carried()
        self._words = Words()
        self._encoder = Encoder(self._words)
        self._entries = before or Entries()
        self._last_index = last_index
        self._lines: list[bytes] = []
        self._texts = Texts()
        self._texts.take(self._carried.texts)
        self._begun = False
        self._segment_at: float | None = None
        self._chunk_at = 0.0
        self._key = False
        self._waits = False
        self._waited = False
        self._ahead: float | None = None
        self._start = self._end = 0.0
        self._segment: tuple[int, float] | None = None
        self._level = level
        self._segment_seconds = segment
        self._packer = zlib.compressobj(level)

    @property
    def carried(self) -> Carried:
        """What the next run should begin with."""
        return Carried(self._encoder.sticky, self._texts)

    def write(self, sample: Sample) -> None:
        """Take a sample. Raises OSError."""
        if not self._begun:
            self._begin(sample)
        if self._segment_at is None or sample.mono - self._segment_at >= self._segment_seconds:
            self._next_segment(sample)
        moment = self._moment(sample)
        if not self._lines:
            self._start = moment
            self._chunk_at = sample.mono
        self._end = max(self._end, moment)
        self._lines.append(self._encoder.line(sample))
        if isinstance(sample, StatementTexts):
            self._texts.take(sample.texts)
        elif isinstance(sample, Poll):
            self._waits = self._waits or bool(sample.blocking)
            self._forget(sample)
        if sample.mono - self._chunk_at >= CHUNK_SECONDS or self._words.held > MOST_HELD:
            self.flush()

    def mark(self, mark: Mark) -> None:
        """Remember a moment. Raises OSError."""
        self._entries.marks.append(mark)
        self._put(frame.MARK, dumped(mark), start=mark.at, end=mark.at)

    def flush(self) -> None:
        """Write what is held back. Raises OSError."""
        if not self._lines:
            return
        self._write_words()
        payload = self._packer.compress(b"".join(self._lines)) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        self._lines = []
        flags = frame.WAITS if self._waits else 0
        offset = self._put(
            frame.KEY if self._key else frame.CHUNK, payload, flags=flags, start=self._start, end=self._end
        )
        if self._key:
            self._segment = (offset, self._start)
        self._waited = self._waited or self._waits
        self._key = self._waits = False

    def close(self) -> None:
        """Write what is held back, and an index. Raises OSError."""
        self.flush()
        self._end_segment()
        if self._entries.segments or self._entries.marks:
            self._write_index()

    # --- inside

    def _begin(self, sample: Sample) -> None:
        content = {
            "format": FORMAT,
            "pgscope": __version__,
            "at": sample.at,
            "mono": sample.mono,
            **self._head,
            "schema": schema(),
        }
        self._entries.heads.append(
            self._put(frame.HEAD, zlib.compress(dumped(content)), start=sample.at, end=sample.at)
        )
        self._encoder.sticky.update(self._carried.sticky)
        for (dbid, queryid), known in self._texts.items():
            self._words.learn(dbid, queryid, known)
            if self._words.held > MOST_HELD:
                self._write_words(sample.at)
        self._begun = True

    def _next_segment(self, sample: Sample) -> None:
        self.flush()
        self._end_segment()
        if len(self._entries.segments) >= _INDEX_EVERY:
            self._write_index()
        self._packer = zlib.compressobj(self._level)
        self._segment_at = self._chunk_at = sample.mono
        self._start = self._moment(sample)
        self._key = True
        sticky = self._encoder.restart()
        self._lines = [b"%d\n" % len(sticky), *sticky]

    def _end_segment(self) -> None:
        if self._segment is not None:
            self._entries.segments.append((*self._segment, self._end, self._waited))
        self._segment = None
        self._waited = False

    def _write_words(self, at: float | None = None) -> None:
        moment = self._end if at is None else at
        if (new := self._words.take()) is not None:
            payload = zlib.compress(dumped(new), self._level)
            self._entries.dictionaries.append(self._put(frame.DICTIONARY, payload, start=moment, end=moment))

    def _write_index(self) -> None:
        payload = self._entries.packed(self.offset, self._last_index)
        self._last_index = self._put(frame.INDEX, payload, start=self._end, end=self._end)
        self._entries = Entries()

    def _put(self, kind: int, payload: bytes, *, flags: int = 0, start: float, end: float) -> int:
        offset = self.offset
        back = offset - self._last_index if self._last_index else 0
        packed = frame.pack(kind, payload, flags=flags, back=back, start=start, end=end)
        self._append(packed)
        self.offset += len(packed)
        return offset

    def _moment(self, sample: Sample) -> float:
        """When the sample was taken by the server's clock, which is not known while it is out of reach."""
        if isinstance(sample, Poll):
            self._ahead = sample.at - sample.mono
        moment = sample.at if self._ahead is None else sample.mono + self._ahead
        return max(moment, self._end)

    def _forget(self, poll: Poll) -> None:
        """Texts of entries that are gone are not carried over to the next run."""
        if poll.statements is None or len(self._texts) <= 2 * len(poll.statements) + 1000:
            return
        there = {(row.dbid, row.queryid) for row in poll.statements}
        for key in [key for key in self._texts if key not in there]:
            del self._texts[key]
