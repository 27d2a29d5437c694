"""Watch a server for a while without a screen, and print what was seen."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pgscope.cli.options import add_connection, add_watching, live_source, positive_seconds, target_of
from pgscope.cli.streams import write_stderr, write_stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgscope.analysis.findings import FindingSettings
    from pgscope.analysis.watch import Watch
    from pgscope.capture.live import LiveSource

DESCRIPTION = "Watch a server for --duration seconds without a screen, and print the result."
FORMATS = ("text", "markdown", "json", "html")
_LAST_AT_MOST = 5.0
"""Seconds to wait for the poll that ends the window."""
_BEGIN_AT_MOST = 30.0
"""Seconds to wait for what is to be watched to begin."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope report`."""
    add_connection(parser)
    add_watching(parser)
    group = parser.add_argument_group("report")
    group.add_argument(
        "--duration", type=positive_seconds, default=30.0, metavar="SECONDS", help="how long to watch (30)"
    )
    group.add_argument(
        "--format", choices=FORMATS, default="text", help="text (default), markdown, json or html"
    )
    group.add_argument(
        "--from", dest="recording", metavar="FILE", help="report a recording instead of watching a server"
    )
    group.add_argument(
        "--since", metavar="TIME", help="with --from: '2026-11-22 03:10', 03:10, -2h (before its end)"
    )
    group.add_argument("--until", metavar="TIME", help="with --from: until then")
    group.add_argument("--output", metavar="FILE", help="write there; without it, to standard output")
    group.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="KIND[:GRADE]",
        help="exit status 1 if there is such a finding, of this grade or a better one; may be repeated",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope report`; raises UsageError, ConnectionFailed."""
    from pgscope.cli.gate import Gate
    from pgscope.config import load
    from pgscope.errors import EXIT_FOUND, UsageError

    config = load()
    gate = Gate.parse(arguments.fail_on)
    check_output(arguments.output)
    if arguments.recording is not None:
        from pgscope.cli.recorded import watch_recorded

        recorded = watch_recorded(arguments, config.findings)
        write(recorded.watch, arguments.format, arguments.output, recorded.notices)
        return EXIT_FOUND if gate.trips(recorded.watch.findings_of_watch()) else 0
    if arguments.since is not None or arguments.until is not None:
        raise UsageError("--since and --until are for a recording: give --from FILE")
    target = target_of(arguments, config)
    source = live_source(target, arguments, config)
    watch = watch_for(source, arguments.duration, ask=not arguments.no_password, settings=config.findings)
    write(watch, arguments.format, arguments.output)
    return EXIT_FOUND if gate.trips(watch.findings_of_watch()) else 0


def check_output(path: str | None) -> None:
    """Fail before the watch, not after it, if the file cannot be written. Raises UsageError."""
    import os
    from pathlib import Path

    from pgscope.errors import UsageError

    if path is None:
        return
    file = Path(path)
    if file.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; give another --output")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UsageError(f"cannot write {path}: no such folder, or no permission; give another --output")


def watch_for(
    source: LiveSource,
    seconds: float,
    *,
    ask: bool,
    settings: FindingSettings | None = None,
    begin: Callable[[Watch], bool] | None = None,
) -> Watch:
    """Watch for so many seconds; progress goes to standard error if that is a terminal.

    With `begin` the seconds count from when it says so, or from half a minute later. Raises ConnectionFailed
    if the first connection fails; one lost later is made again.
    """
    import asyncio

    return asyncio.run(_watch_for(source, seconds, ask, settings, begin or (lambda _: True)))


async def _watch_for(
    source: LiveSource,
    seconds: float,
    ask: bool,
    settings: FindingSettings | None,
    begin: Callable[[Watch], bool],
) -> Watch:
    import asyncio
    import time

    from pgscope.analysis.watch import Watch
    from pgscope.cli.password import open_asking
    from pgscope.driver import Driver
    from pgscope.ending import end

    await open_asking(source, ask=ask)
    watch = Watch(settings)
    running = asyncio.create_task(Driver(source, watch).run())
    shown = sys.stderr.isatty()
    patience = time.monotonic() + _BEGIN_AT_MOST
    try:
        while not running.done() and not begin(watch) and time.monotonic() < patience:
            await asyncio.wait({running}, timeout=0.1)
        started = time.monotonic()
        while not running.done() and (left := started + seconds - time.monotonic()) > 0:
            if shown:
                write_stderr(f"\rwatching {source.target}: {left:3.0f} s left ", end="")
            await asyncio.wait({running}, timeout=min(left, 1.0))
        if not running.done():
            # The window reaches to its end, however far apart polls are by now.
            await source.last_poll(_LAST_AT_MOST)
    finally:
        if shown:
            write_stderr("\r\x1b[K", end="")
        await end(running)
    if not running.cancelled() and (failure := running.exception()) is not None:
        raise failure
    return watch


def write(watch: Watch, form: str, path: str | None, notices: Sequence[str] = ()) -> None:
    """Print the report in this form, or write it to the file. Raises PgscopeError if that fails."""
    from pathlib import Path

    from pgscope.errors import UsageError
    from pgscope.report import render

    text = render(watch, form, notices)
    if path is None:
        write_stdout(text, utf8=form != "text")  # what the other forms are by their nature
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; give another --output") from None
