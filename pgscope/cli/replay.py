"""Show a recording on the screen, as if it were now."""

from __future__ import annotations

import argparse
import sys

from pgscope.cli.options import add_filter
from pgscope.tui.hush import begin_screen, hushed, say

DESCRIPTION = (
    "Show a recording of `pgscope record` (or of the screen) with all views, and a time bar: Space plays and "
    "pauses, + and - change the speed, , and . step, [ ] { } move, < > go to findings, ( ) to lock waits, "
    "@ to a time. Nothing can be done to what is shown, and nothing be explained: it is over."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope replay`."""
    parser.add_argument("file", metavar="FILE", help="a recording; its older files FILE.1, FILE.2 go with it")
    group = parser.add_argument_group("screen")
    group.add_argument(
        "--at", metavar="TIME", help="begin at '2026-11-22 03:10', 03:10, -10m (before the end)"
    )
    group.add_argument("--paused", action="store_true", help="do not begin to play")
    add_filter(group)
    group.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope replay`; raises UsageError."""
    with hushed():
        say(f"reading {arguments.file}")
        return _replay(arguments)


def _replay(arguments: argparse.Namespace) -> int:
    import asyncio
    from pathlib import Path

    from pgscope.capture.recording.recording import Recording
    from pgscope.config import load
    from pgscope.errors import UsageError
    from pgscope.report.times import moment, within

    config = load()
    recording = Recording.open(Path(arguments.file))
    try:
        if not recording.start:
            raise UsageError(f"{arguments.file}: no sample can be read; {recording.damage or 'it is empty'}")
        try:
            at = None
            if arguments.at is not None:
                at = moment(arguments.at, recording.start, recording.end)
                at = within(at, recording.start, recording.end)
        except ValueError as error:
            raise UsageError(f"--at: {error}") from None
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("replay needs a terminal; without one, use: pgscope report --from FILE")
        from pgscope.cli.screen import settle

        config = settle(config, arguments.filter)
        from pgscope.capture.source import Silent
        from pgscope.tui.app import PgscopeApp
        from pgscope.tui.served import Begin

        app = PgscopeApp(
            Silent(),
            read_only=True,
            config=config,
            recording=recording,
            begin=Begin(at, not arguments.paused),
        )
        begin_screen()
        asyncio.run(app.run_async(mouse=not arguments.no_mouse))
        return app.return_code or 0
    finally:
        recording.close()
