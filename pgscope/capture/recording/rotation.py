"""The names of a recording's files: FILE is written to, FILE.1 came before it, and so on.

What is no recording is never touched, whatever its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
import uuid
import zlib
from pathlib import Path

from pgscope.capture.recording.frame import MAGIC
from pgscope.errors import UsageError

MODE = 0o600
_LOOKED_AT = 1000
"""Older files that are looked at beforehand where there are gaps between them."""


class InTheWay(UsageError):
    """A file that is none of ours has a name that the recording needs."""


def resolved(path: Path) -> Path:
    """The file that a link leads to, be it there or not; else the path itself.

    Raises UsageError for a folder, a device, a pipe: what is there and no regular file.
    """
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        regular = True
    if not regular:
        raise UsageError(f"cannot write {path}: it is not a regular file; give another file")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def numbered(path: Path, number: int) -> Path:
    """The name of an older file; 0 is the one that is written to."""
    return path.with_name(f"{path.name}.{number}") if number else path


def check_older(path: Path, keep: int) -> None:
    """Raises InTheWay if a file is in the way that rotation would come to; `keep` as in `exchange`."""
    number = 1
    while number <= min(keep, _LOOKED_AT) or os.path.lexists(numbered(path, number)):
        _check(numbered(path, number))
        number += 1


def exchange(path: Path, fd: int, keep: int, keep_age: float) -> int:
    """Give a file the number 1 and begin a new one; at every moment there is one of this name.

    `fd` is the file, open. `keep` is how many older files stay (0: all), `keep_age` how many seconds (0: for
    ever). Returns the new file, open and locked. Raises OSError and InTheWay; the file is whole then, and
    this may be tried again.
    """
    fresh = path.with_name(_fresh(path, uuid.uuid4().hex))
    new = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, MODE)
    try:
        fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _set_aside(path, fd, keep, keep_age)
        fresh.rename(path)
    except BaseException:
        os.close(new)
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    return new


def sweep(path: Path) -> None:
    """Delete new files of this recording, empty as yet, that kills in the middle of an `exchange` left.

    For whoever has the file itself locked: then nobody else is at it.
    """
    with contextlib.suppress(OSError):
        for one in path.parent.glob(_fresh(path, "*")):
            with contextlib.suppress(OSError):
                _delete_if_left(one)


def _fresh(path: Path, unique: str) -> str:
    """The name that a new file has at first; the recording's own may be as long as names can be."""
    return f".pgscope-{zlib.crc32(os.fsencode(path.name)):08x}-{unique}.new"


def _delete_if_left(path: Path) -> None:
    """Raises OSError for what is locked, and a link."""
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = os.fstat(fd)
        if stat.S_ISREG(there.st_mode) and not there.st_size:
            path.unlink()
    finally:
        os.close(fd)


def _set_aside(path: Path, fd: int, keep: int, keep_age: float) -> None:
    if not os.path.lexists(path):
        # Somebody took it away: nothing of this name can be lost.
        return
    if not _is(path, fd):
        raise InTheWay(f"another file has the name {path} by now")
    first = numbered(path, 1)
    if _is(first, fd):
        # An exchange came no further than this.
        return
    _shift(path, keep, keep_age)
    try:
        os.link(path, first)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here: for a moment there is no file of this name.
        path.rename(first)


def _shift(path: Path, keep: int, keep_age: float) -> None:
    """Make room for number 1, and delete what need not be kept."""
    last = 0
    while os.path.lexists(numbered(path, last + 1)):
        last += 1
        _check(numbered(path, last))
    for number in range(last, 0, -1):
        here = numbered(path, number)
        old = keep_age and time.time() - here.stat().st_mtime > keep_age
        if old or (keep and number >= keep):
            here.unlink()
        else:
            here.rename(numbered(path, number + 1))


def _check(path: Path) -> None:
    """Raises InTheWay for what is there and no recording."""
    try:
        there = path.lstat()
        # A power cut may leave one of ours empty, and nothing is lost with it.
        ours = stat.S_ISREG(there.st_mode) and (not there.st_size or _begins_as_one(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise InTheWay(f"cannot read {path}, which is in the way: {error.strerror}") from None
    if not ours:
        raise InTheWay(f"{path} is in the way and no recording of pgscope: move it, or give another file")


def _begins_as_one(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _is(path: Path, fd: int) -> bool:
    """Whether the path names the open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except OSError:
        return False
