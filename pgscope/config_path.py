"""Where the configuration lies, and its text."""

from __future__ import annotations

import errno
import stat
from pathlib import Path


def config_path() -> Path:
    """`config.toml` in the user's configuration folder ($XDG_CONFIG_HOME/pgscope on Linux)."""
    # Not at the top: a start that only prints help needs no folders.
    from platformdirs import user_config_path

    return user_config_path("pgscope", appauthor=False) / "config.toml"


def config_text(path: Path) -> str:
    """The text of the file, without the mark that some editors put before UTF-8.

    Raises OSError, also for what is no file (a pipe would be waited for), and UnicodeDecodeError.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    return path.read_bytes().decode("utf-8-sig")
