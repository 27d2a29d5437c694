"""Options that several subcommands share: how to connect, and errors in one line. No heavy imports."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from pgscope.errors import EXIT_USAGE

if TYPE_CHECKING:
    from pgscope.server.conninfo import Target


class Parser(argparse.ArgumentParser):
    """A parser whose -h is the host, as in psql, and whose errors are one line and status 2."""

    def __init__(self, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog, **{**options, "add_help": False})
        self.add_argument("--help", action="help", help="show this help and exit")

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line."""
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


def add_connection(parser: argparse.ArgumentParser, *, conninfo: bool = True) -> None:
    """Add -h, -p, -U, -d, -w, and CONNINFO unless the subcommand has words of its own."""
    group = parser.add_argument_group(
        "connection", "What psql takes; PG* variables, .pgpass and service files work as they do there."
    )
    if conninfo:
        group.add_argument(
            "conninfo",
            nargs="?",
            default="",
            metavar="CONNINFO",
            help="a URI (postgresql://user@host/db), pairs (host=... dbname=...), or a database's name",
        )
    group.add_argument("-h", "--host", metavar="HOST", help="server host, or folder of its socket")
    group.add_argument("-p", "--port", metavar="PORT", help="server port")
    group.add_argument("-U", "--username", metavar="NAME", dest="user", help="role to connect as")
    group.add_argument("-d", "--dbname", metavar="NAME", help="database to connect to")
    group.add_argument(
        "-w", "--no-password", action="store_true", help="never ask for a password; fail where one is wanted"
    )


def target_of(arguments: argparse.Namespace) -> Target:
    """The server that the options name. Raises UsageError."""
    from pgscope.server.conninfo import target

    return target(
        arguments.conninfo,
        host=arguments.host,
        port=arguments.port,
        user=arguments.user,
        dbname=arguments.dbname,
    )


def positive_seconds(text: str) -> float:
    """An option's value in seconds, more than nothing."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def interval_seconds(text: str) -> float:
    """--interval: 0.1 s to an hour."""
    value = positive_seconds(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: 0.1 to 3600 seconds")
    return value


def sample_rate(text: str) -> float:
    """--sample-hz: 0 (no sampler) to 100 looks a second."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of looks a second") from None
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: 0 to 100 looks a second")
    return value


def budget_fraction(text: str) -> float:
    """--budget: percent of one core of the server, returned as a fraction."""
    try:
        value = float(text.rstrip("%"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage of a core") from None
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: above 0, up to 100 percent of a core")
    return value / 100.0


def add_watching(parser: argparse.ArgumentParser) -> None:
    """Add --interval, --sample-hz and --budget."""
    group = parser.add_argument_group("watching")
    group.add_argument(
        "--interval", type=interval_seconds, default=1.0, metavar="SECONDS", help="time between polls (1)"
    )
    group.add_argument(
        "--sample-hz",
        type=sample_rate,
        default=10.0,
        metavar="HZ",
        help="looks of the fast sampler each second, at most (10); 0: none",
    )
    group.add_argument(
        "--budget",
        type=budget_fraction,
        default=0.01,
        metavar="PERCENT",
        help="what pgscope may cost the server, in percent of one core (1); past it, it slows down",
    )
