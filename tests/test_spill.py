"""Bytes in a file without a name: what was put is read, by no one else, and a full disk takes none away."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from pgscope import packed
from pgscope.analysis.fingerprints import FingerprintBook
from pgscope.packed import Texts, pack, start_of, unpack
from pgscope.sample import StatementKey
from pgscope.spill import Spilled, SpillFile
from tests.trust.test_full_disk import full

LONG = "select " + ", ".join(f"column_{n}" for n in range(2_000)) + " from t where id = $1"


def opened() -> dict[int, str]:
    """The files that this process has open."""
    found = {}
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found[int(one.name)] = str(one.readlink())
    return found


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> SpillFile:
    """A file of its own for the texts that are packed."""
    made = SpillFile()
    monkeypatch.setattr(packed, "_FILE", made)
    return made


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is open")
def test_the_file_is_private_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = opened()
    file = SpillFile()
    secret = b"create role r password 'hunter2'" * 40
    kept = file.put(secret)
    assert kept is not None
    (number,) = opened().keys() - before.keys()
    assert opened()[number].startswith(str(folder))
    assert not list(folder.iterdir())
    assert os.fstat(number).st_mode & 0o777 == 0o600
    assert not os.get_inheritable(number)
    there = os.pread(number, 1_000_000, 0)
    assert b"hunter2" not in there
    # The same again looks different: no two are enciphered with the same stream.
    again = file.put(secret)
    assert again is not None
    assert again == kept
    assert again.read() == kept.read() == secret
    assert os.pread(number, 1_000_000, 0).count(there[8:40]) == 1


def test_what_comes_and_goes_needs_no_more_room() -> None:
    file, chance = SpillFile(), Random(7)
    live: dict[int, tuple[bytes, Spilled]] = {}
    lengths = []
    for turn in range(6_000):
        data = chance.randbytes(chance.randrange(1, 9_000))
        kept = file.put(data)
        assert kept is not None
        live[chance.randrange(200)] = data, kept
        if turn % 1_000 == 999:
            assert all(kept.read() == data for data, kept in live.values())
            lengths.append(file.length)
    assert lengths[-1] <= 1.3 * lengths[0]
    assert lengths[-1] < 200 * 16_384 * 2


def test_threads_do_not_write_over_each_other() -> None:
    file = SpillFile()

    def work(seed: int) -> bool:
        chance, right = Random(seed), True
        kept: list[tuple[bytes, Spilled]] = []
        for _ in range(500):
            data = chance.randbytes(chance.randrange(300, 3_000))
            one = file.put(data)
            assert one is not None
            kept = [*kept[-20:], (data, one)]
            right = right and all(one.read() == data for data, one in kept)
        return right

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_a_full_disk_leaves_texts_in_memory(fresh: SpillFile) -> None:
    texts = [f"{LONG} -- {n}" for n in range(50)]
    with full(30_000):
        kept = [pack(text) for text in texts]
    assert [unpack(one) for one in kept] == texts
    assert {type(one) for one in kept} == {Spilled, bytes}
    # There is room again, and the places that could not be filled are used.
    length = fresh.length
    assert isinstance(pack(texts[0]), Spilled)
    assert fresh.length == length


def test_without_a_folder_for_files_texts_stay_in_memory(
    fresh: SpillFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    texts = Texts({(1, 2): LONG})
    assert isinstance(texts.packed[(1, 2)], bytes)
    assert texts[(1, 2)] == LONG
    assert fresh.length == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is open")
def test_a_disk_that_fails_takes_texts_but_ends_nothing(fresh: SpillFile) -> None:
    before = opened()
    kept = pack(LONG)
    (number,) = opened().keys() - before.keys()
    os.ftruncate(number, 10)
    assert unpack(kept).startswith("-- this text lay in a temporary file that cannot be read")
    assert start_of(kept, 1_000).startswith("-- this text lay")
    # Read again after a new connection, and compared with what was read before.
    book, again = FingerprintBook(), Texts({(1, 2): LONG})
    book.learn(Texts({(1, 2): LONG}))
    os.ftruncate(number, 10)
    book.learn(again)
    assert book.text(StatementKey(0, 1, 2, True)).startswith("-- this text lay")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is open")
def test_a_disk_that_gives_other_bytes_ends_nothing(fresh: SpillFile) -> None:
    before = opened()
    kept = pack(LONG)
    (number,) = opened().keys() - before.keys()
    os.pwrite(number, bytes(fresh.length), 0)
    assert unpack(kept).startswith("-- this text lay in a temporary file that cannot be read")
    assert start_of(kept, 1_000).startswith("-- this text lay")
