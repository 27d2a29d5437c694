"""What is written is read again, also after damage, by a program with other columns, and while it grows."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgscope.capture.recording import decode, encode, frame
from pgscope.capture.recording import words as words_of
from pgscope.capture.recording.columns import columns_of
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.run import Run
from pgscope.capture.recording.words import Read, Words
from pgscope.errors import UsageError
from pgscope.packed import Texts
from pgscope.sample import (
    Connected,
    Disconnected,
    Look,
    Mark,
    Names,
    Poll,
    Sample,
    Session,
    StatementTexts,
)
from pgscope.text import clean
from tests.recording.streams import later, same, shop
from tests.tui.samples import read, recorded

LONG = [*shop(), *later(shop(), 200), *later(shop(), 400)]


def in_memory(stream: list[Sample]) -> bytes:
    out = bytearray()
    run = Run(out.extend)
    for one in stream:
        run.write(one)
    run.close()
    return bytes(out)


WHOLE = in_memory(LONG)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    recorded(tmp_path / "a", LONG)
    found = read(tmp_path / "a")
    assert same(found, LONG)
    shifts = [one.mono - before.mono for one, before in zip(found, LONG, strict=True)]
    assert max(shifts) - min(shifts) < 1e-5, "time goes on as it did"


def test_it_is_small(tmp_path: Path) -> None:
    recorded(tmp_path / "a", LONG)
    plain = sum(len(repr(one)) for one in LONG)
    assert (tmp_path / "a").stat().st_size < plain / 20


def test_each_text_is_written_once() -> None:
    text = next(text for one in LONG if isinstance(one, StatementTexts) for text in one.texts.values())
    written = decompressed(WHOLE)
    assert written.count(text.encode()) == 1


def test_seeking_begins_with_what_holds_then(tmp_path: Path) -> None:
    recorded(tmp_path / "a", LONG)
    recording = Recording.open(tmp_path / "a")
    since = LONG[0].at + 430
    found = list(recording.samples(since, since + 30))
    polls = [one for one in found if isinstance(one, Poll)]
    expected = [one for one in LONG if isinstance(one, Poll) and since <= one.at <= since + 30]
    assert len(polls) > 3
    assert same(list(polls), list(expected))
    first = found.index(polls[0])
    assert {Connected, Names, StatementTexts} <= {type(one) for one in found[:first]}
    texts = {name for one in found[:first] if isinstance(one, StatementTexts) for name in one.texts}
    assert {(row.dbid, row.queryid) for row in polls[0].statements or ()} <= texts
    recording.close()


@pytest.mark.parametrize("apart", [False, True])
def test_thousands_of_texts_come_a_few_at_a_time(apart: bool) -> None:
    """To take in all at once takes seconds, in which no key would be answered."""
    texts = {(1, number): f"SELECT {number}" for number in range(200)}
    stream: list[Sample] = [StatementTexts(LONG[0].at, LONG[0].mono, texts)]
    for one in LONG:
        if isinstance(one, Poll) and one.statements:
            rows = [one.statements[0]._replace(dbid=1, queryid=number) for number in range(200)]
            one = replace(one, statements=tuple(rows))
        if not isinstance(one, StatementTexts):
            stream.append(one)
    held = Texts(texts) if apart else None
    recording = Recording.of_bytes(in_memory(stream[1:] if apart else stream), "many", held)
    for _ in range(2):
        since = LONG[0].at + 430
        told = [one.texts for one in recording.samples(since, since + 30) if isinstance(one, StatementTexts)]
        assert len(told) >= 10 and max(map(len, told)) <= 20
        assert {name: text for some in told for name, text in some.items()} == texts


def test_it_can_be_read_while_it_grows(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a")
    half = len(LONG) // 2
    for one in LONG[:half]:
        file.write(one)
    file.flush()
    recording = Recording.open(tmp_path / "a")
    assert same(list(recording.samples()), LONG[:half])
    for one in LONG[half:]:
        file.write(one)
    file.flush()
    recording.refresh()
    assert same(list(recording.samples()), LONG)
    assert not recording.damage
    file.close()


def test_marks_and_waits_are_found_without_reading_all() -> None:
    out = bytearray()
    run = Run(out.extend)
    for round_, seconds in enumerate(range(0, 4000, 200)):
        for one in later(shop(), seconds):
            run.write(one)
        run.mark(Mark(shop()[-1].at + seconds, "finding", f"number {round_}"))
    run.flush()
    recording = Recording.of_bytes(bytes(out), "memory")
    assert [mark.label for mark in recording.marks] == [f"number {n}" for n in range(20)]
    assert any(one.kind == frame.INDEX for one in frames(bytes(out))), "long enough for an index"
    assert len(recording.waits) >= 20, "a poll in each of them had a waiter"
    assert recording.end - recording.start > 3800
    last = list(recording.samples(since=recording.end - 10))
    assert same([last[-1]], [later(shop(), 3800)[-1]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_file_cut_short_opens_up_to_the_cut(data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(WHOLE) - 1))
    try:
        recording = Recording.of_bytes(WHOLE[:cut], "memory")
    except UsageError:
        assert cut < frames(WHOLE)[1].offset, "only without a whole head nothing can be said"
        return
    found = list(recording.samples())
    assert same(found, LONG[: len(found)])
    assert len(found) == readable(cut)
    if cut not in {one.next for one in frames(WHOLE)}:
        assert "cut off at byte" in recording.damage


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_of_a_damaged_file_all_else_is_read_and_the_damage_is_said(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(WHOLE) - 1))
    length = data.draw(st.integers(1, 40))
    noise = data.draw(st.binary(min_size=length, max_size=length))
    broken = WHOLE[:place] + noise + WHOLE[place + length :]
    try:
        recording = Recording.of_bytes(broken, "memory")
    except UsageError:
        assert place < frames(WHOLE)[1].offset
        return
    found, after = halves(list(recording.samples()))
    assert same(found, LONG[: len(found)]), "what is given is what was recorded"
    assert len(found) >= readable(place)
    assert not after or same(after, [one for one in LONG if isinstance(one, _MOMENTS)][-len(after) :])
    if len(found) < len(LONG):
        assert recording.damage


_MOMENTS = (Poll, Look)
"""Kinds of samples that are never told anew."""


def halves(found: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """What is there before damage, and after it those samples that are never told anew."""
    holes = [place for place, one in enumerate(found) if isinstance(one, Disconnected)]
    assert len(holes) <= 1
    if not holes:
        return found, []
    return found[: holes[0]], [one for one in found[holes[0] :] if isinstance(one, _MOMENTS)]


def test_a_program_with_other_columns_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has a column that we do not know, lacks one that we have, and has them in another order."""
    columns = columns_of(Session)
    words, kinds = Words(), dict(zip(columns.names, columns.kinds, strict=True))
    encoder = encode.Encoder(words)
    poll = next(one for one in LONG if isinstance(one, Poll))
    line = encoder.line(poll)
    renamed = {"wait_event": "unheard_of"}
    schema = encode.schema()
    schema["Session"] = [[renamed.get(name, name) for name in columns.names], "".join(kinds.values())]
    known = Read()
    known.add(words.take() or {})
    found = decode.Decoder(schema, known).sample(line)
    assert isinstance(found, Poll)
    assert same(
        [found], [replace(poll, sessions=tuple(one._replace(wait_event="") for one in poll.sessions))]
    )
    assert decode.Decoder(schema, known).sample(b'["Unknown",1,1,{}]') is None


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello" * 100)
    with pytest.raises(UsageError, match="not a recording"):
        Recording.open(tmp_path / "a")
    with pytest.raises(UsageError, match="left as it is"):
        RecordingFile(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"hello" * 100
    with pytest.raises(UsageError, match="cannot read"):
        Recording.open(tmp_path / "b")


@given(st.text().map(clean))
def test_live_statements_come_back_as_they_were(text: str) -> None:
    words, known = Words(), Read()
    again = text + " = 'it''s' and 12.5 = x1 + -3"
    written = [words.statement(one) for one in (text, again, again + "4")]
    known.add(words.take() or {"first": 0, "words": [], "texts": []})
    assert [known.statement(one) for one in written] == [text, again, again + "4"]


@pytest.mark.parametrize("bound", ["MOST_KEPT", "MOST_WRITTEN"])
def test_what_comes_when_there_is_no_more_room_for_words_is_read_too(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(words_of, bound, 2000)
    content = in_memory(LONG)
    words, known = Words(), Read()
    words.number("x" * 3000 if bound == "MOST_WRITTEN" else None)
    while not words.full:
        words.number(words._written + words._kept)
    first = words.take() or {}
    known.add(first)
    for text in ("SELECT 'it''s', 12.5 FROM t", "SELECT 1", "7", "no constant", "a\nb"):
        assert known.statement(words.statement(text)) == text
    assert words.take() is None, "nothing more is kept"
    recording = Recording.of_bytes(content, "full")
    assert same(list(recording.samples()), LONG)
    assert not recording.broken


def test_the_texts_of_a_large_server_find_room(monkeypatch: pytest.MonkeyPatch) -> None:
    # 47 MB in 5,000 texts are usual, and must be known to who begins to read at the end.
    monkeypatch.setattr(words_of, "MOST_KEPT", words_of.MOST_KEPT // 10)
    monkeypatch.setattr(words_of, "MOST_WRITTEN", words_of.MOST_WRITTEN // 10)
    words = Words()
    for number in range(5000):
        words.learn(1, number, f"SELECT {number:0940}")
    assert not words.full
    # What a reader refuses is not written, however long one text is.
    assert isinstance(words.number("x" * (words_of.MOST_WRITTEN - words._written + 1)), list)
    assert isinstance(words.number("short"), int)


# --- reading the bytes themselves


def frames(content: bytes) -> list[frame.Frame]:
    found = []
    place = 0
    while (one := frame.unpack(content[place : place + frame.SIZE], place)) is not None:
        found.append(one)
        place = one.next
    assert place == len(content)
    return found


def payload(content: bytes, one: frame.Frame) -> bytes:
    return content[one.payload_at : one.next]


def decompressed(content: bytes) -> bytes:
    """Everything that a recording says, as text."""
    out = bytearray()
    unpacker = zlib.decompressobj()
    for one in frames(content):
        if one.kind == frame.KEY:
            unpacker = zlib.decompressobj()
        if one.kind in (frame.KEY, frame.CHUNK):
            out += unpacker.decompress(payload(content, one))
        else:
            out += payload(content, one) if one.kind == frame.MARK else zlib.decompress(payload(content, one))
    return bytes(out)


def readable(until: int) -> int:
    """How many samples lie in whole frames before a byte."""
    count = 0
    unpacker = zlib.decompressobj()
    for one in frames(WHOLE):
        if one.next > until:
            break
        if one.kind not in (frame.KEY, frame.CHUNK):
            continue
        if one.kind == frame.KEY:
            unpacker = zlib.decompressobj()
        lines = unpacker.decompress(payload(WHOLE, one)).splitlines()
        count += len(lines) - (1 + int(lines[0]) if one.kind == frame.KEY else 0)
    return count
