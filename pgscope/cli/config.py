"""Print where the configuration lies, what holds, and whether it can be read."""

from __future__ import annotations

import argparse

from pgscope.cli.streams import write_stdout

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
        write_stdout(f"{path}\n")
        return 0
    config = load()
    if arguments.what == "show":
        from pgscope.config.show import shown

        write_stdout(shown(config), utf8=True)
        return 0
    from pgscope.tui.settings import check

    check(config)
    said = "can be read" if path.exists() else "not there, so the defaults hold"
    write_stdout(f"{path}: {said}\n")
    return 0
