"""A plan's JSON in a file of its own, for plan viewers and for colleagues."""

from __future__ import annotations

import os
import time
from pathlib import Path

import platformdirs


def save_json(text: str, name: str, at: float) -> Path:
    """Write it to a new file that only its owner may read: in the current folder, else in the state folder.

    Raises OSError if neither can be written.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(at))
    safe = "".join(char if char.isalnum() and char.isascii() else "-" for char in name).strip("-") or "plan"
    here, state = Path.cwd(), Path(platformdirs.user_state_dir("pgscope"))
    try:
        return _write(here, f"plan-{safe}-{stamp}", text)
    except OSError:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _write(state, f"plan-{safe}-{stamp}", text)


def _write(folder: Path, stem: str, text: str) -> Path:
    for number in range(100):
        path = folder / (f"{stem}-{number}.json" if number else f"{stem}.json")
        try:
            # O_EXCL: an existing file or link is never followed or overwritten.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path
    raise FileExistsError(f"{folder} holds too many files of that name")
