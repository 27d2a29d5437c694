"""The tree of subcommands. Each brings its options and a `run` that imports what it needs."""

from __future__ import annotations

from pgscope import __version__
from pgscope.cli import completion, config, connect, demo, doctor, explain, help, record, replay, report
from pgscope.cli.options import Parser


def build_parser() -> Parser:
    """The parser of `pgscope`."""
    parser = Parser(
        prog="pgscope",
        description="A live query inspector for PostgreSQL: who runs what, N+1, lock waits, plans.",
        epilog="`pgscope demo` shows it on a server of its own, `pgscope help` explains it, and "
        "`pgscope COMMAND --help` lists options.",
    )
    parser.add_argument("--version", action="version", version=f"pgscope {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    modules = {
        "connect": connect,
        "demo": demo,
        "report": report,
        "record": record,
        "replay": replay,
        "explain": explain,
        "doctor": doctor,
        "config": config,
        "completion": completion,
        "help": help,
    }
    for name, module in modules.items():
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.DESCRIPTION)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser
