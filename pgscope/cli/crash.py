"""When pgscope itself fails: a report for its authors without any text of the server, and where it lies.

Messages of exceptions and values of variables are left out: they may hold literals of queries, or secrets.
"""

from __future__ import annotations

import contextlib
import os
import platform
import traceback
from datetime import datetime, timezone
from pathlib import Path

from pgscope import __version__
from pgscope.cli.streams import write_stderr

EXIT_STATUS = 70
"""As sysexits.h has it: an error of the program's own."""
_FRAMES_MOST = 100


def tell(error: BaseException) -> int:
    """Write the report, say on standard error what happened and where it lies; return the exit status."""
    last = _frames(error)[-1:] or ["nowhere known"]
    _say(f"an error of its own ended it: {type(error).__name__} at {last[0].strip()}")
    try:
        path = write(error, default_folder())
    except OSError as problem:
        _say(f"no report could be written: {problem.strerror or problem}")
    else:
        _say(f"a report, without texts of queries and without secrets, is in {path}")
    return EXIT_STATUS


def _say(what: str) -> None:
    write_stderr(f"pgscope: {what}")


def default_folder() -> Path:
    """The user's state folder."""
    # Not at the top: a start that goes well needs no folders.
    from platformdirs import user_state_path

    return user_state_path("pgscope")


def write(error: BaseException, folder: Path) -> Path:
    """Write the report into the folder, readable by nobody else. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"crash-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(name, flags, 0o600, dir_fd=inside), "w", encoding="utf-8") as file:
                file.write(text(error))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=inside)
            raise
    finally:
        os.close(inside)
    return folder / name


def text(error: BaseException) -> str:
    """The report: versions, and of each error its type and where in the code it was."""
    lines = [
        f"pgscope {__version__}, Python {platform.python_version()}, {platform.platform()}",
        *(f"{package} {_version(package)}" for package in ("textual", "rich", "psycopg", "pglast")),
        "",
    ]
    seen: set[int] = set()
    chain: BaseException | None = error
    while chain is not None and id(chain) not in seen:
        seen.add(id(chain))
        kind = type(chain)
        lines += [f"{kind.__module__}.{kind.__qualname__} (its message is left out)", *_frames(chain), ""]
        chain = chain.__cause__ or chain.__context__
    return "\n".join(lines)


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames[-_FRAMES_MOST:]]


def _place(filename: str) -> str:
    """The file from its package on: where it is installed says who is whom."""
    parts = Path(filename).parts
    for top in ("site-packages", "pgscope"):
        if top in parts:
            at = len(parts) - 1 - parts[::-1].index(top)
            return "/".join(parts[at + (top == "site-packages") :])
    return parts[-1] if parts else filename


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
