"""Recordings that somebody broke or made up: what is wrong with them is said, and nothing else happens."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.watch import Watch
from pgscope.capture.recording import frame
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.run import Run
from pgscope.cli import main
from pgscope.errors import UsageError
from pgscope.playback import Player
from pgscope.report import render
from pgscope.sample import Mark
from pgscope.text import clean
from tests.recording.streams import later, shop
from tests.recording.test_format import frames
from tests.trust.test_hostile_server import strings


def written() -> bytes:
    out = bytearray()
    run = Run(out.extend, head={"series": "x"})
    for turn in range(2):
        for one in later(shop()[:40], 70.0 * turn):
            run.write(one)
        run.mark(Mark(one.at, "finding", "a label"))
    run.close()
    return bytes(out)


WHOLE = written()
quick = settings(
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def look_over(content: bytes) -> bool:
    """Read it, watch it, report it; whether it opened. Only the format's own error may come out of it."""
    try:
        recording = Recording.of_bytes(content, "made up")
    except UsageError as error:
        assert "\n" not in str(error)
        return False
    watch = Watch()
    count = 0
    for sample in recording.samples():
        for text in strings(sample):
            assert clean(text) == text
        watch.feed(sample)
        watch.wants()
        count += 1
    assert count < 10_000
    watch.snapshot()
    for form in ("text", "html", "json"):
        assert render(watch, form)
    damage = recording.damage
    assert clean(damage) == damage
    for mark in recording.marks:
        assert clean(mark.label) == mark.label
    if recording.start:
        list(recording.samples(recording.start + 30.0, recording.end - 10.0))
        recording.refresh()
        asyncio.run(play(recording))
    return True


async def play(recording: Recording) -> None:
    """Go to its middle, its marks and its end."""
    player = Player(recording, "made up", FindingSettings, lambda: None, playing=False)
    running = asyncio.create_task(player.run())
    acts: list[Callable[[], object]] = [
        lambda: player.seek((recording.start + recording.end) / 2),
        lambda: player.to_mark("lock wait", 1),
        lambda: player.to_mark("finding", -1),
        lambda: player.step(1),
        lambda: player.seek(recording.end),
    ]
    for act in acts:
        act()
        for _ in range(10_000):
            await asyncio.sleep(0)
            if player._wanted is None and not player._steps:
                break
        assert not running.done(), running.exception()
    running.cancel()


def _cut(content: bytes, begin: int, end: int, _: bytes) -> bytes:
    return content[:begin] + content[end:]


def _insert(content: bytes, begin: int, _: int, noise: bytes) -> bytes:
    return content[:begin] + noise + content[begin:]


def _write_over(content: bytes, begin: int, _: int, noise: bytes) -> bytes:
    return content[:begin] + noise + content[begin + len(noise) :]


def _twice(content: bytes, begin: int, end: int, _: bytes) -> bytes:
    return content[:end] + content[begin:end] + content[end:]


def _flip(content: bytes, begin: int, end: int, _: bytes) -> bytes:
    return content[:begin] + bytes([content[begin] ^ 1 << end % 8]) + content[begin + 1 :]


def _short(content: bytes, begin: int, _: int, __: bytes) -> bytes:
    return content[:begin]


@settings(quick, max_examples=25)
@given(st.data())
def test_bytes_that_are_broken(data: st.DataObject) -> None:
    content = WHOLE
    ways = st.sampled_from([_cut, _insert, _write_over, _twice, _flip, _short])
    for way in data.draw(st.lists(ways, min_size=1, max_size=3)):
        if len(content) < 2:
            break
        begin = data.draw(st.integers(0, 2**40)) % (len(content) - 1)
        end = data.draw(st.integers(begin + 1, min(len(content), begin + 5000)))
        content = way(content, begin, end, data.draw(st.binary(min_size=1, max_size=60)))
    opened = look_over(content)
    event("opened" if opened else "refused")


@settings(quick, max_examples=15)
@given(st.data())
def test_frames_that_come_twice_or_elsewhere_or_not_at_all(data: st.DataObject) -> None:
    pieces = [WHOLE[one.offset : one.next] for one in frames(WHOLE)]
    places = data.draw(st.lists(st.integers(0, len(pieces) - 1), min_size=1, max_size=2 * len(pieces)))
    look_over(pieces[0] + b"".join(pieces[place] for place in places))
    some = data.draw(st.sets(st.integers(1, len(pieces) - 1), max_size=3))
    look_over(b"".join(piece for place, piece in enumerate(pieces) if place not in some))


NASTY: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 10**30, -(10**30), 10**400, 1e308, float("nan"), float("inf"), -0.5),
    *("", "x", "\x1b]0;x\x07\x9b31m\u202e", [], {}, [[]], {"a": 1}, [None], ["x"], [10**12], [-1, 10**12]),
    json.loads("[" * 300 + "]" * 300),
)


def changed(content: Any, data: st.DataObject) -> Any:
    """Something in it is something else."""
    nasty = st.sampled_from(NASTY)
    inside = content
    while isinstance(inside, (list, dict)) and inside:
        keys = list(inside) if isinstance(inside, dict) else range(len(inside))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(inside[key], (list, dict)) or not inside[key] or data.draw(st.integers(0, 6)) == 0:
            inside[key] = data.draw(nasty)
            return content
        inside = inside[key]
    return data.draw(nasty)


def again(one: frame.Frame, payload: bytes, **times: float) -> bytes:
    """The frame with another payload, and checksums that are right."""
    start, end = times.get("start", one.start), times.get("end", one.end)
    return frame.pack(one.kind, payload, flags=one.flags, back=one.back, start=start, end=end)


def made_up(change: Callable[[Any], Any], which: int) -> bytes:
    """The file with something changed in one of its frames; a segment is written as one frame."""
    found = frames(WHOLE)
    out = b""
    for place, one in enumerate(found):
        payload = WHOLE[one.payload_at : one.next]
        if place == which and one.kind in (frame.HEAD, frame.DICTIONARY, frame.INDEX):
            out += again(
                one, zlib.compress(json.dumps(change(json.loads(zlib.decompress(payload)))).encode())
            )
        elif place == which and one.kind == frame.MARK:
            out += again(one, json.dumps(change(json.loads(payload))).encode())
        elif place == which and one.kind == frame.KEY:
            lines = zlib.decompressobj().decompress(payload).splitlines()
            content = change([json.loads(line) for line in lines])
            made = content if isinstance(content, list) else [content]
            out += again(one, zlib.compress(b"".join(json.dumps(line).encode() + b"\n" for line in made)))
        else:
            out += WHOLE[one.offset : one.next]
    return out


@settings(quick, max_examples=50)
@given(st.data())
def test_contents_that_somebody_made_up(data: st.DataObject) -> None:
    places = [place for place, one in enumerate(frames(WHOLE)) if one.kind != frame.CHUNK]
    which = data.draw(st.sampled_from(places))
    look_over(made_up(lambda content: changed(content, data), which))


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1e300, 1e300])
def test_times_that_are_none(at: float) -> None:
    for place, one in enumerate(frames(WHOLE)):
        if place and one.kind in (frame.KEY, frame.CHUNK, frame.MARK):
            payload = WHOLE[one.payload_at : one.next]
            look_over(WHOLE[: one.offset] + again(one, payload, start=at, end=at) + WHOLE[one.next :])
            break


def test_what_would_fill_the_memory_is_refused() -> None:
    bomb = zlib.compress(b'{"first":0,"words":["' + b"x" * 350_000_000 + b'"],"texts":[]}', 1)
    found = frames(WHOLE)
    words = next(one for one in found if one.kind == frame.DICTIONARY)
    key = next(one for one in found if one.kind == frame.KEY)
    lines = zlib.compress(b"0\n" + b"x" * 350_000_000, 1)
    rows = ["Poll", 0, 0, {"sessions": [[-1, 10**12], None, []], "round_trip_ms": 1}]
    many = zlib.compress(b"0\n" + json.dumps(rows).encode() + b"\n")
    tracemalloc.start()
    try:
        for one, payload in ((words, bomb), (key, bomb), (key, lines), (key, many)):
            tracemalloc.reset_peak()
            recording = Recording.of_bytes(
                WHOLE[: one.offset] + again(one, payload) + WHOLE[one.next :], "made up"
            )
            list(recording.samples())
            assert "damaged at byte" in recording.damage
            assert tracemalloc.get_traced_memory()[1] < 320 * 2**20
    finally:
        tracemalloc.stop()


def test_the_programs_say_it_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, which in enumerate(range(len(frames(WHOLE)))):
        path = tmp_path / f"{number}.rec"
        path.write_bytes(made_up(lambda _: {"first": "x"}, which))
        status = main(["report", "--from", str(path), "--format", "json"])
        told = capsys.readouterr()
        assert status in (0, 2)
        assert len(told.err.splitlines()) == (1 if status else 0)
