"""Show pgscope on a PostgreSQL server and a workload of its own."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from pgscope.cli.options import add_filter, add_redact, add_watching, live_source, positive_seconds
from pgscope.cli.streams import write_stderr, write_stdout
from pgscope.tui.hush import hushed

if TYPE_CHECKING:
    from pgscope.config import Config

if TYPE_CHECKING:
    from pgscope.analysis.watch import Watch

DESCRIPTION = (
    "Start a throwaway PostgreSQL (unix socket only) and programs built on real ORMs, and watch them. "
    "Nothing is left behind. pgscope connects to it as its superuser, and there (only there) may run "
    "EXPLAIN ANALYZE as one without being asked to by an option. "
    "Without a terminal it watches for --duration seconds and prints the report."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope demo`."""
    add_watching(parser)
    group = parser.add_argument_group("demo")
    group.add_argument(
        "--server-only",
        action="store_true",
        help="print a CONNINFO on standard output and run until interrupted, without a screen",
    )
    group.add_argument(
        "--duration",
        type=positive_seconds,
        default=20.0,
        metavar="SECONDS",
        help="without a terminal: how long to watch (20)",
    )
    group.add_argument(
        "--format",
        choices=("text", "markdown", "json", "html"),
        default="text",
        help="without a terminal: format of the report (text)",
    )
    add_filter(group)
    add_redact(group)
    group.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope demo`; raises UsageError, ConnectionFailed."""
    from pgscope.cli.screen import settle
    from pgscope.config import load
    from pgscope.demo import DemoMissingError, start_demo
    from pgscope.embedded import EmbeddedError
    from pgscope.errors import PgscopeError, UsageError

    config = settle(load(), arguments.filter, arguments.redact)
    try:
        with _quiet_start(arguments), start_demo(write_stderr) as demo:
            if arguments.server_only:
                return _serve(demo.conninfo)
            return _watch(demo.conninfo, len(demo.pids), arguments, config)
    except DemoMissingError as error:
        raise UsageError(str(error)) from None
    except EmbeddedError as error:
        raise PgscopeError(f"the demo's server did not start: {error}") from None


def _quiet_start(arguments: argparse.Namespace) -> AbstractContextManager[None]:
    return nullcontext() if arguments.server_only or not _on_terminal() else hushed()


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _serve(conninfo: str) -> int:
    """Print the conninfo and wait for an interrupt or a request to end."""
    import signal
    import threading

    write_stdout(f"{conninfo}\n")
    write_stderr(f"running until interrupted; in another terminal: pgscope connect '{conninfo}'")
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
    write_stderr("stopping")
    return 0


def _watch(conninfo: str, programs: int, arguments: argparse.Namespace, config: Config) -> int:
    from pgscope.server.conninfo import target

    source = live_source(target(conninfo), arguments, config)
    if _on_terminal():
        from pgscope.cli.screen import Look, show
        from pgscope.demo.folders import own_folders

        with own_folders():
            look = Look(mouse=not arguments.no_mouse, title="demo", allow_superuser_analyze=True)
            return show(source, look, config, ask=False)
    from pgscope.cli.report import watch_for, write

    write_stderr(f"no terminal: watching for {arguments.duration:g} s, then the report")

    def begun(watch: Watch) -> bool:
        # Most of them: one that comes late must not keep everyone waiting.
        return len(watch.presence.applications) >= 0.8 * programs

    watch = watch_for(source, arguments.duration, ask=False, settings=config.findings, begin=begun)
    write(watch, arguments.format, None)
    return 0
