"""Watch a server on the screen."""

from __future__ import annotations

import argparse
import sys

from pgscope.cli.options import add_connection, add_watching, target_of

DESCRIPTION = "Watch a PostgreSQL server live, grouped by application. Takes what psql takes."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope connect`."""
    add_connection(parser)
    add_watching(parser)
    screen = parser.add_argument_group("screen")
    screen.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    screen.add_argument(
        "--read-only", action="store_true", help="no action on the server: no cancel, no terminate"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope connect`; raises UsageError, ConnectionFailed."""
    from pgscope.errors import UsageError

    target = target_of(arguments)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("connect needs a terminal; without one, use: pgscope report")
    from pgscope.capture.live import LiveSource
    from pgscope.cli.screen import Look, show

    source = LiveSource(
        target,
        interval=arguments.interval,
        sample_hz=arguments.sample_hz,
        budget=arguments.budget,
    )
    look = Look(mouse=not arguments.no_mouse, read_only=arguments.read_only)
    return show(source, look, ask=not arguments.no_password)
