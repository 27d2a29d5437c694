"""One writer, private, rotated, mended: whatever happens to the writer, the file opens."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pgscope.capture.recording import frame
from pgscope.capture.recording.file import Bounds, InUse, RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.scan import layout
from pgscope.errors import UsageError
from pgscope.sample import Connected, Poll, StatementTexts
from tests.recording.streams import later, same, shop
from tests.recording.test_format import frames
from tests.tui.samples import read, recorded

LONG = [*shop(), *later(shop(), 200), *later(shop(), 400)]
_WRITER = """
import sys
from pathlib import Path
from pgscope.capture.recording.file import RecordingFile
from tests.recording.streams import later, shop
file = RecordingFile(Path(sys.argv[1]))
for turn in range(1000):
    for one in later(shop(), 200.0 * turn):
        file.write(one)
    print(turn, flush=True)
    if turn == 3:
        sys.stdin.read()
"""


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        recorded(tmp_path / "a", LONG, bounds=Bounds(size=30_000))
    finally:
        os.umask(before)
    files = list(tmp_path.glob("a*"))
    assert len(files) > 2
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_there_is_one_writer(tmp_path: Path) -> None:
    first = RecordingFile(tmp_path / "a")
    with pytest.raises(InUse, match="another pgscope"):
        RecordingFile(tmp_path / "a")
    first.close()
    RecordingFile(tmp_path / "a").close()


def test_a_second_writer_stays_out_after_a_rotation(tmp_path: Path) -> None:
    first = RecordingFile(tmp_path / "a", bounds=Bounds(size=20_000))
    for one in LONG:
        first.write(one)
    assert (tmp_path / "a.1").exists()
    with pytest.raises(InUse):
        RecordingFile(tmp_path / "a")
    first.close()


def test_older_files_get_numbers_and_read_as_one(tmp_path: Path) -> None:
    recorded(tmp_path / "a", LONG, bounds=Bounds(size=30_000))
    numbers = sorted(int(one.suffix[1:]) for one in tmp_path.glob("a.*"))
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 2
    assert same(read(tmp_path / "a"), LONG)
    alone = [one for one in read(tmp_path / "a.1") if isinstance(one, Poll)]
    assert alone


def test_a_file_by_itself_has_all_that_it_needs(tmp_path: Path) -> None:
    """What was told long ago, before the rotation, is in the newest file too."""
    for size in (20_000, 24_000, 28_000):
        (tmp_path / str(size)).mkdir()
        recorded(tmp_path / str(size) / "a", LONG, bounds=Bounds(size=size))
        (tmp_path / str(size) / "a").rename(tmp_path / "alone")
        found = read(tmp_path / "alone")
        if any(isinstance(one, Poll) for one in found):
            break  # the file may have been begun by the very last sample
    poll = next(one for one in found if isinstance(one, Poll))
    before = found[: found.index(poll)]
    assert any(isinstance(one, Connected) for one in before)
    texts = {name for one in before if isinstance(one, StatementTexts) for name in one.texts}
    assert {(row.dbid, row.queryid) for row in poll.statements or ()} <= texts


def test_only_so_many_files_are_kept(tmp_path: Path) -> None:
    recorded(tmp_path / "a", LONG, bounds=Bounds(size=10_000, keep=2))
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["a", "a.1", "a.2"]


def test_old_files_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "a.1").write_bytes(b"")
    os.utime(tmp_path / "a.1", (1.0, 1.0))
    recorded(tmp_path / "a", LONG, bounds=Bounds(size=30_000, keep=0, keep_age=3600.0))
    assert all(one.stat().st_size for one in tmp_path.glob("a*"))


def test_a_file_of_an_age_is_followed_by_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RecordingFile(tmp_path / "a", bounds=Bounds(age=600.0))
    for one in shop():
        file.write(one)
    assert not (tmp_path / "a.1").exists()
    now = time.time
    monkeypatch.setattr("pgscope.capture.recording.file.time.time", lambda: now() + 601.0)
    for one in later(shop(), 601.0):
        file.write(one)
    file.close()
    assert (tmp_path / "a.1").exists() and not (tmp_path / "a.2").exists()


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    recorded(tmp_path / "a", shop())
    recorded(tmp_path / "a", later(shop(), 1000))
    assert same(read(tmp_path / "a"), [*shop(), *later(shop(), 1000)])


def test_kill_leaves_a_file_that_opens_and_can_be_continued(tmp_path: Path) -> None:
    path = tmp_path / "a"
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert writer.stdout is not None
    assert "3" in (line.strip() for line in writer.stdout if line.strip() == "3")
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    written = [one for turn in range(4) for one in later(shop(), 200.0 * turn)]
    found = read(path)
    assert same(found, written[: len(found)])
    assert found[-1].at > written[-1].at - 5.0, "at most the last seconds are lost"

    # A kill in the middle of a write.
    with path.open("ab") as file:
        file.write(path.read_bytes()[:1000])
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 400)
    assert len(read(path)) == len(found)
    recorded(path, later(shop(), 5000))
    recording = Recording.open(path)
    assert same(list(recording.samples()), [*found, *later(shop(), 5000)])
    assert not recording.damage


def test_a_full_disk_is_told_once_and_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    file = RecordingFile(tmp_path / "a", trouble=told.append)
    third = len(LONG) // 3
    for one in LONG[:third]:
        file.write(one)
    file.flush()
    write, clock, late = os.write, time.monotonic, [0.0]

    def full(fd: int, content: memoryview) -> int:
        if len(content) > 100:
            return write(fd, content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pgscope.capture.recording.file.time.monotonic", lambda: clock() + late[0])
    monkeypatch.setattr("pgscope.capture.recording.file.os.write", full)
    for one in LONG[third : 2 * third]:
        file.write(one)
        late[0] += 5.0
    monkeypatch.setattr("pgscope.capture.recording.file.os.write", write)
    late[0] += 60.0
    for one in LONG[2 * third :]:
        file.write(one)
    file.close()
    assert len(told) == 1 and "No space left" in told[0]
    recording = Recording.open(tmp_path / "a")
    found = list(recording.samples())
    assert not recording.damage
    assert same(found[:third], LONG[:third])
    assert same(found[-third:], LONG[-third:])


def flipped(content: bytes, place: int) -> bytes:
    """The same with one bit that is another."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def unclosed(path: Path) -> bytes:
    """A recording that a kill ended: there is no index in it."""
    file = RecordingFile(path)
    for one in LONG:
        file.write(one)
    file.flush()
    content = path.read_bytes()
    file.close()
    assert all(one.kind != frame.INDEX for one in frames(content))
    return content


@pytest.mark.parametrize("where", [0, 5, 20, 43])
def test_what_lies_after_damage_is_not_cut_off(tmp_path: Path, where: int) -> None:
    path = tmp_path / "a"
    content = unclosed(path)
    found = frames(content)
    for one in found[1], found[len(found) // 2], found[-2]:
        broken = flipped(content, one.offset + where)
        path.write_bytes(broken)
        (tmp_path / "a.1").unlink(missing_ok=True)
        told: list[str] = []
        file = RecordingFile(path, trouble=told.append)
        for sample in later(shop(), 1000):
            file.write(sample)
        file.close()
        assert (tmp_path / "a.1").read_bytes() == broken
        assert told == [
            f"{path} is damaged at byte {one.offset:,}, with more after that: it is a.1 from now on, as it"
            " was, and a new file is begun"
        ]
        assert same(read(path)[-len(shop()) :], later(shop(), 1000)), "a replay has both"


def test_of_a_half_written_tail_no_more_than_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = unclosed(path)
    last = frames(content)[-1]
    tails = {
        "a part of a header": content[: last.offset + 20],
        "a part of a payload": content[:-1],
        "a payload that is not what it should be": flipped(content, last.payload_at),
        "a header that is not": flipped(content, last.offset + 30),
        "what a power cut leaves": content[: last.offset] + bytes(5000),
    }
    for tail, left in tails.items():
        path.write_bytes(left)
        told: list[str] = []
        RecordingFile(path, trouble=told.append).close()
        after = path.read_bytes()
        # An index follows, of what had none.
        assert after.startswith(content[: last.offset]) and after != left, tail
        assert [one.kind for one in frames(after[last.offset :])] == [frame.INDEX]
        assert not told and not (tmp_path / "a.1").exists()


def test_an_index_that_is_cut_off_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    recorded(path, LONG)
    content = path.read_bytes()
    index = frames(content)[-1]
    assert index.kind == frame.INDEX
    path.write_bytes(flipped(content, index.payload_at))
    recorded(path, later(shop(), 1000), bounds=Bounds(age=0))
    with path.open("rb") as file:
        assert file.read(index.offset) == content[: index.offset]
        found = layout(file, path.stat().st_size)
    assert len([one for one in frames(path.read_bytes()) if one.kind == frame.KEY]) == len(
        found.entries.segments
    )
    assert not found.newest.segments, "the new index has all that lies before it"


def test_what_cannot_be_set_aside_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    content = unclosed(path)
    broken = flipped(content, frames(content)[3].offset)
    path.write_bytes(broken)

    def fails(path: Path, fd: int, keep: int, keep_age: float) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pgscope.capture.recording.file.exchange", fails)
    with pytest.raises(UsageError, match="cannot be set aside: Permission denied; give another file"):
        RecordingFile(path)
    assert path.read_bytes() == broken
