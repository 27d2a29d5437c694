"""Print where the configuration lies, what holds, and whether it can be read."""

from __future__ import annotations

import argparse

DESCRIPTION = (
    "path: where the file lies. show: all settings as TOML, those not set as comments. "
    "check: read it, and say in one line what is wrong (status 2)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do."""
    parser.add_argument("what", choices=("path", "show", "check"), help="what to do")


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope config`; raises ConfigError."""
    from pgscope.config import config_path, load

    path = config_path()
    if arguments.what == "path":
        print(path)
        return 0
    config = load()
    if arguments.what == "show":
        from pgscope.config.show import shown

        print(shown(config), end="")
        return 0
    from pgscope.tui.settings import check

    check(config)
    print(f"{path}: " + ("can be read" if path.exists() else "not there, so the defaults hold"))
    return 0
