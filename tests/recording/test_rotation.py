"""Rotation: what is none of ours is never touched, and what fails loses nothing."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pgscope.capture.recording.file import Bounds, InUse, RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.rotation import exchange
from pgscope.cli import main
from pgscope.errors import UsageError
from tests.recording.streams import later, same, shop
from tests.tui.samples import read, recorded

LONG = [*shop(), *later(shop(), 200), *later(shop(), 400)]
SMALL = Bounds(size=30_000)
FOREIGN = b"of somebody else\n"


def names(folder: Path) -> list[str]:
    """What is in a folder, but for the home that each test has."""
    return sorted(one.name for one in folder.iterdir() if one.name != "home")


def test_what_is_no_regular_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "folder", "link"):
        before = (tmp_path / name).lstat()
        assert main(["record", "host=127.0.0.1 port=1", str(tmp_path / name)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{tmp_path / name}: it is not a regular file" in line
        assert (tmp_path / name).lstat() == before
    with pytest.raises(UsageError, match="/dev/null: it is not a regular file"):
        RecordingFile(Path("/dev/null"), bounds=SMALL)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("there", [False, True])
def test_a_link_stays_and_what_it_leads_to_is_rotated(tmp_path: Path, there: bool) -> None:
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / "a", tmp_path / "link"
    if there:
        target.touch()
    link.symlink_to(target)
    recorded(link, LONG, bounds=SMALL)
    assert link.is_symlink() and link.resolve() == target.resolve()
    assert names(tmp_path) == ["disk", "link"]
    assert (tmp_path / "disk" / "a.1").exists()
    assert same(read(link), LONG), "a replay of the link finds the older files too"


@pytest.mark.parametrize("name", ["a.1", "a.3"])
def test_a_file_of_others_with_a_number_is_refused_and_left(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(FOREIGN)
    assert main(["record", "host=127.0.0.1 port=1", str(tmp_path / "a")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path / name} is in the way" in line
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == FOREIGN


def test_no_link_and_no_folder_is_taken_for_an_older_file(tmp_path: Path) -> None:
    recorded(tmp_path / "b", shop())
    (tmp_path / "a.1").symlink_to(tmp_path / "b")
    (tmp_path / "c.1").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.1").mkdir()
    for name in "acd":
        with pytest.raises(UsageError, match=r"\.1 is in the way"):
            RecordingFile(tmp_path / name)


def test_a_file_of_others_that_comes_meanwhile_is_left(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a", bounds=Bounds(size=30_000, keep=1))
    for name in ("a.1", "a.2", "a.new"):
        (tmp_path / name).write_bytes(FOREIGN)
    for one in LONG:
        file.write(one)
    file.close()
    assert names(tmp_path) == ["a", "a.1", "a.2", "a.new"]
    for name in ("a.1", "a.2", "a.new"):
        assert (tmp_path / name).read_bytes() == FOREIGN


def test_a_temporary_file_of_others_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.new").write_bytes(FOREIGN)
    recorded(tmp_path / "a", LONG, bounds=SMALL)
    assert same(read(tmp_path / "a"), LONG)
    assert (tmp_path / "a.new").read_bytes() == FOREIGN
    assert all(one.startswith("a") for one in names(tmp_path))


def test_what_got_the_name_of_the_file_meanwhile_is_left(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a", bounds=SMALL)
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    (tmp_path / "a").write_bytes(FOREIGN)
    for one in LONG:
        file.write(one)
    file.close()
    assert (tmp_path / "a").read_bytes() == FOREIGN
    assert names(tmp_path) == ["a", "elsewhere"]


def test_it_goes_on_in_the_old_file_until_a_new_one_can_be_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    clock, late = time.monotonic, [0.0]
    monkeypatch.setattr("pgscope.capture.recording.file.time.monotonic", lambda: clock() + late[0])
    file = RecordingFile(tmp_path / "a", bounds=SMALL, trouble=told.append)
    (tmp_path / "a.1").mkdir()
    half = len(LONG) // 2
    for one in LONG[:half]:
        file.write(one)
        late[0] += 10.0
    assert len(told) == 1 and f"{tmp_path / 'a.1'} is in the way" in told[0], "tried again, and said once"
    assert (tmp_path / "a").stat().st_size > SMALL.size
    assert not file.failed
    (tmp_path / "a.1").rmdir()
    file.write(LONG[half])
    late[0] += 600.0
    for one in LONG[half + 1 :]:
        file.write(one)
    file.close()
    assert len(told) == 1
    assert (tmp_path / "a.1").is_file()
    assert same(read(tmp_path / "a"), LONG), "nothing is lost"


def test_no_folder_to_begin_a_new_file_in(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "disk").mkdir()
    file = RecordingFile(tmp_path / "disk" / "a", bounds=SMALL, trouble=told.append)
    (tmp_path / "disk").rename(tmp_path / "other")
    for one in LONG:
        file.write(one)
    file.close()
    assert len(told) == 1 and "No such file or directory; it goes on in that" in told[0]
    assert same(read(tmp_path / "other" / "a"), LONG)


def test_an_exchange_that_came_half_way_is_ended_the_next_time(tmp_path: Path) -> None:
    recorded(tmp_path / "a", shop())
    recorded(tmp_path / "a.1", later(shop(), -200))
    older = (tmp_path / "a.1").read_bytes()
    fd = os.open(tmp_path / "a", os.O_RDWR)
    (tmp_path / "a.1").rename(tmp_path / "a.2")
    os.link(tmp_path / "a", tmp_path / "a.1")
    os.close(exchange(tmp_path / "a", fd, 7, 0.0))
    os.close(fd)
    assert names(tmp_path) == ["a", "a.1", "a.2"], "no file is there twice"
    assert same(read(tmp_path / "a.1"), shop())
    assert (tmp_path / "a.2").read_bytes() == older


_KILLED = """
import os, sys
from pathlib import Path
from pgscope.capture.recording import rotation
rotation._set_aside = lambda *_: os._exit(9)
rotation.exchange(Path(sys.argv[1]), 0, 7, 0.0)
"""


def test_what_a_kill_at_a_rotation_left_is_deleted_by_the_next_recorder(tmp_path: Path) -> None:
    def killed_at(name: str) -> str:
        before = names(tmp_path)
        ended = subprocess.run([sys.executable, "-c", _KILLED, tmp_path / name], check=False)
        assert ended.returncode == 9
        (left,) = set(names(tmp_path)) - set(before)
        return left

    recorded(tmp_path / "a", shop())
    first, written, locked = (killed_at("a") for _ in range(3))
    others = killed_at("b")
    (tmp_path / written).write_bytes(FOREIGN)
    link = others.replace(others[9:17], first[9:17])
    (tmp_path / link).symlink_to(tmp_path / others)
    with (tmp_path / locked).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        RecordingFile(tmp_path / "a").close()
    assert names(tmp_path) == sorted([locked, others, written, link, "a"])
    with (tmp_path / "a").open() as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        with pytest.raises(InUse):
            RecordingFile(tmp_path / "a")
    assert locked in names(tmp_path), "nothing is deleted beside another recorder"
    RecordingFile(tmp_path / "a").close()
    assert names(tmp_path) == sorted([others, written, link, "a"])
    assert same(read(tmp_path / "a"), shop())


def test_a_file_that_has_two_names_is_told_once(tmp_path: Path) -> None:
    """As a kill in the middle of an exchange leaves it."""
    path = tmp_path / "r"
    file = RecordingFile(path)
    for sample in shop():
        file.write(sample)
    file.close()
    once = [one.at for one in Recording.open(path).samples()]
    os.link(path, tmp_path / "r.1")
    assert [one.at for one in Recording.open(path).samples()] == once


def test_a_full_disk_at_a_rotation_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    write, clock, late = os.write, time.monotonic, [0.0]

    def full(fd: int, content: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pgscope.capture.recording.file.time.monotonic", lambda: clock() + late[0])
    file = RecordingFile(tmp_path / "a", bounds=SMALL, trouble=told.append)
    stream = iter(LONG)
    while file.size < SMALL.size:
        file.write(next(stream))
    monkeypatch.setattr("pgscope.capture.recording.file.os.write", full)
    file.write(next(stream))
    monkeypatch.setattr("pgscope.capture.recording.file.os.write", write)
    assert file.failing and len(told) == 1 and "No space left" in told[0]
    late[0] += 60.0
    rest = list(stream)
    for one in rest:
        file.write(one)
    file.close()
    recording = Recording.open(tmp_path / "a")
    assert same(list(recording.samples())[-len(rest) :], rest)
    assert not recording.damage
    recording.close()
