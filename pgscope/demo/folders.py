"""Folders of the demo's own: what is set, recorded or planned there is no use to anyone tomorrow."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOMES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME")


@contextmanager
def own_folders() -> Iterator[Path]:
    """Keep configuration, plans, recordings and the log of actions in a folder that goes at the end."""
    before = {name: os.environ.get(name) for name in _HOMES}
    with tempfile.TemporaryDirectory(prefix="pgscope-demo-", ignore_cleanup_errors=True) as folder:
        os.environ.update(dict.fromkeys(_HOMES, folder))
        try:
            yield Path(folder)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
