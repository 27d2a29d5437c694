"""Watch a server on the screen."""

from __future__ import annotations

import argparse
import sys

from pgscope.cli.options import (
    add_connection,
    add_explaining,
    add_filter,
    add_watching,
    live_source,
    other_server,
    saved_name,
    target_of,
)

DESCRIPTION = "Watch a PostgreSQL server live, grouped by application. Takes what psql takes."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope connect`."""
    add_connection(parser)
    add_watching(parser)
    add_explaining(parser)
    screen = parser.add_argument_group("screen")
    add_filter(screen)
    screen.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    screen.add_argument(
        "--read-only", action="store_true", help="no action on the server: no cancel, no terminate"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope connect`; raises UsageError, ConnectionFailed."""
    from pgscope.config import load
    from pgscope.errors import UsageError

    config = load()
    target = target_of(arguments, config)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("connect needs a terminal; without one, use: pgscope report")
    from pgscope.cli.screen import Look, settle, show

    config = settle(config, arguments.filter)
    look = Look(
        mouse=not arguments.no_mouse,
        read_only=arguments.read_only,
        title=saved_name(arguments, config),
        explain_on=other_server(arguments),
        allow_superuser_analyze=arguments.allow_superuser_analyze,
    )
    source = live_source(target, arguments, config)
    return show(source, look, config, ask=not arguments.no_password)
