"""Watch a server, or several, on the screen."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from pgscope.cli.lean import import_lean
from pgscope.cli.options import (
    add_connection,
    add_explaining,
    add_filter,
    add_redact,
    add_watching,
    live_source,
    other_server,
    target_of,
    title_of,
)
from pgscope.tui.hush import hushed, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgscope.config import Config
    from pgscope.server.conninfo import Target

DESCRIPTION = (
    "Watch a PostgreSQL server live, grouped by application. Takes what psql takes. With several CONNINFO "
    "all are watched at once, with a view of all of them; -h, -p, -U and -d then hold for each."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope connect`."""
    add_connection(parser, several=True)
    add_watching(parser)
    add_explaining(parser)
    screen = parser.add_argument_group("screen")
    add_filter(screen)
    add_redact(screen)
    screen.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    screen.add_argument(
        "--read-only", action="store_true", help="no action on the server: no cancel, no terminate"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope connect`; raises UsageError, ConnectionFailed."""
    import_lean()
    from pgscope.config import load
    from pgscope.errors import UsageError

    config = load()
    words = arguments.conninfo or [""]
    targets = [target_of(arguments, config, word) for word in words]
    if len(targets) > 1 and arguments.explain_conninfo:
        raise UsageError("--explain-conninfo is for one server: it says where its statements are explained")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("connect needs a terminal; without one, use: pgscope report")
    with hushed():
        return _connect(arguments, config, words, targets)


def _connect(
    arguments: argparse.Namespace, config: Config, words: Sequence[str], targets: Sequence[Target]
) -> int:
    # Until the screen is there: what is imported stays, and to walk through it takes a tenth of the start.
    gc.disable()
    from pgscope.cli.screen import Look, settle, show
    from pgscope.cli.several import names

    config = settle(config, arguments.filter, arguments.redact)
    titles = [title_of(word, config) for word in words]
    look = Look(
        mouse=not arguments.no_mouse,
        read_only=arguments.read_only,
        title=titles[0],
        explain_on=other_server(arguments),
        allow_superuser_analyze=arguments.allow_superuser_analyze,
    )
    first, *others = (live_source(target, arguments, config) for target in targets)
    say(f"connecting to {', '.join(names(list(zip(titles, (first, *others), strict=True))))}")
    beside = list(zip(titles[1:], others, strict=True))
    return show(first, look, config, ask=not arguments.no_password, others=beside)
