"""A file of a recording: open only while it is read, and found again by how it begins, whatever its name."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from pgscope.capture.recording import frame
from pgscope.capture.recording.rotation import numbered


class Handle:
    """One file. A rotation gives it the next number."""

    def __init__(self, base: Path, number: int = 0) -> None:
        """Opens the file that has this number now (0: `base` itself). Raises OSError."""
        self._base = base
        self._number = number
        self._file: BinaryIO | None = numbered(base, number).open("rb")
        self._stat = os.fstat(self._file.fileno())
        # A head says when it was begun, and of which series it is: no two files have the same.
        self._begin = self._file.read(frame.SIZE)

    @property
    def file(self) -> BinaryIO:
        """The file, open. Raises OSError: FileNotFoundError where it is gone."""
        if self._file is None:
            self._file = self._found()
        return self._file

    def rest(self) -> None:
        """Close it until it is read again: then what was deleted meanwhile is gone."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def lies_at(self, path: Path) -> bool:
        """Whether the path names this file."""
        try:
            return os.path.samestat(self._stat, path.stat())
        except OSError:
            return False

    @property
    def gone(self) -> bool:
        """Whether it has no name any more by which it is found; while it is open it can still be read."""
        if self._file is not None:
            return os.fstat(self._file.fileno()).st_nlink == 0
        try:
            self._found().close()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def _found(self) -> BinaryIO:
        number = self._number
        # A rotation that is at it renames from the last to the first: one name at a time is not there.
        while any(numbered(self._base, one).exists() for one in (number, number + 1)):
            with contextlib.suppress(FileNotFoundError):
                file = numbered(self._base, number).open("rb")
                if file.read(frame.SIZE) == self._begin:
                    self._number = number
                    return file
                file.close()
            number += 1
        raise FileNotFoundError
