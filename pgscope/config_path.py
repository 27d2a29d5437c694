"""Where the configuration lies."""

from __future__ import annotations

from pathlib import Path


def config_path() -> Path:
    """`config.toml` in the user's configuration folder ($XDG_CONFIG_HOME/pgscope on Linux)."""
    # Not at the top: a start that only prints help needs no folders.
    from platformdirs import user_config_path

    return user_config_path("pgscope", appauthor=False) / "config.toml"
