"""The tree of subcommands. Each brings its options and a `run` that imports what it needs."""

from __future__ import annotations

from importlib import import_module

from pgscope import __version__
from pgscope.cli.options import Parser

_COMMANDS = (
    "connect",
    "demo",
    "report",
    "record",
    "replay",
    "explain",
    "doctor",
    "config",
    "completion",
    "help",
)
"""The modules here that have them."""


def build_parser(typed: str = "") -> Parser:
    """The parser of `pgscope`; where a command was typed it knows only that one, and is there sooner."""
    parser = Parser(
        prog="pgscope",
        description="A live query inspector for PostgreSQL: who runs what, N+1, lock waits, plans.",
        epilog="`pgscope demo` shows it on a server of its own, `pgscope help` explains it, and "
        "`pgscope COMMAND --help` lists options.",
    )
    parser.add_argument("--version", action="version", version=f"pgscope {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name in (typed,) if typed in _COMMANDS else _COMMANDS:
        module = import_module(f"pgscope.cli.{name}")
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.DESCRIPTION)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser
