"""The local record of every action: one JSON object a line, readable by nobody else."""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime, timezone
from pathlib import Path

from pgscope.server.actions import ActionResult
from pgscope.text import clean, one_line


class AuditFailed(Exception):
    """The record cannot be written; one line that says why."""


def default_audit_path() -> Path:
    """Where actions are recorded unless told otherwise: in the user's state folder."""
    # Not at the top: a start that only prints help needs no folders.
    from platformdirs import user_state_path

    return user_state_path("pgscope") / "actions.jsonl"


class AuditLog:
    """Appends to one file. The folder is made 0700 and the file 0600; links are never followed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self) -> None:
        """Raise AuditFailed if nothing can be recorded."""
        os.close(self._open())

    def record(self, result: ActionResult, server: str, person: str) -> None:
        """Add a line; `server` and `person` say on which server and by whom. Raises AuditFailed."""
        request = result.request
        entry = {
            "at": datetime.fromtimestamp(result.at, timezone.utc).isoformat(timespec="milliseconds"),
            "by": person,
            "server": server,
            "action": request.kind,
            "pid": request.pid,
            "backend_start": datetime.fromtimestamp(request.backend_start, timezone.utc).isoformat(),
            "application_name": request.application_name,
            "user": request.user,
            "database": request.database,
            "query": request.query,
            "outcome": result.outcome,
            "reason": result.reason,
        }
        # ASCII only: whatever the server sent stays on its line, and harmless to who reads the file.
        line = json.dumps(entry, ensure_ascii=True).encode() + b"\n"
        file = self._open()
        try:
            if (written := os.write(file, line)) != len(line):
                # The next line must not stand behind half of this one.
                os.ftruncate(file, os.fstat(file).st_size - written)
                raise AuditFailed(f"cannot write {self._name}: the disk is full")
        except OSError as error:
            raise self._failure(error) from None
        finally:
            os.close(file)

    def _open(self) -> int:
        try:
            return self._open_in(self._open_folder())
        except OSError as error:
            raise self._failure(error) from None

    def _open_folder(self) -> int:
        folder = self.path.parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = False
        try:
            folder.mkdir(mode=0o700)
            made = True
        except FileExistsError:
            pass
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if made:
            os.fchmod(descriptor, 0o700)
        return descriptor

    def _open_in(self, folder: int) -> int:
        try:
            owner = os.fstat(folder)
            if owner.st_uid not in (os.geteuid(), 0) or owner.st_mode & 0o022:
                raise AuditFailed(f"cannot write {self._name}: others may write in its folder")
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(self.path.name, flags, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
                raise AuditFailed(f"cannot write {self._name}: it is not a plain file of our own")
            os.fchmod(file, 0o600)
        except BaseException:
            os.close(file)
            raise
        return file

    @property
    def _name(self) -> str:
        return clean(str(self.path), lines=False)

    def _failure(self, error: OSError) -> AuditFailed:
        return AuditFailed(f"cannot write {self._name}: {one_line(error.strerror or str(error))}")
