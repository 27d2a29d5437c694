"""Options that several subcommands share: how to connect, and errors in one line. No heavy imports."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from pgscope import limits
from pgscope.cli.streams import write_stderr, write_stdout
from pgscope.errors import EXIT_USAGE

if TYPE_CHECKING:
    from pgscope.capture.live import LiveSource
    from pgscope.config import Config
    from pgscope.server.conninfo import Target


class Parser(argparse.ArgumentParser):
    """A parser whose -h is the host, as in psql, and whose errors are one line and status 2."""

    def __init__(self, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog, **{**options, "add_help": False})
        # `--at -10m` is a time before the end, not an option.
        self._negative_number_matcher = re.compile(r"-\d+(?:\.\d+)?[smhd]?$")
        self.add_argument("--help", action="help", help="show this help and exit")

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line."""
        wrong = re.search(r"invalid choice: '([^']*)'", message)
        for action in self._actions:
            if wrong is not None and action.choices is not None and wrong[0] in message:
                message += _meant(wrong[1], [str(choice) for choice in action.choices])
                break
        from pgscope.text import clean

        write_stderr(f"{self.prog}: {clean(message)}; see {self.prog} --help")
        raise SystemExit(EXIT_USAGE)

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002 - help and version
        write_stdout(message)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        """Parse; what nobody knows is told by the subcommand that it was given to."""
        found, unknown = self.parse_known_args(args, namespace)
        parser = getattr(found, "parser", self)
        if unknown and not _take_words(parser, found, unknown):
            known = [name for action in parser._actions for name in action.option_strings]
            meant = _meant(unknown[0].partition("=")[0], known)
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
        return found


def _take_words(parser: argparse.ArgumentParser, found: argparse.Namespace, words: Sequence[str]) -> bool:
    """Add the words behind an option to those before it, where a command takes several; say if it does.

    argparse gives an argument of several words those that stand together first, and knows no others.
    """
    if any(word.startswith("-") and word != "-" for word in words):
        return False
    for action in parser._actions:
        if not action.option_strings and action.nargs in ("*", "+"):
            setattr(found, action.dest, [*getattr(found, action.dest), *words])
            return True
    return False


def _meant(word: str, known: Sequence[str]) -> str:
    """What someone who typed this may have meant; '' if nothing is like it."""
    import difflib  # for who mistyped only

    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""


def add_connection(parser: argparse.ArgumentParser, *, conninfo: bool = True, several: bool = False) -> None:
    """Add -h, -p, -U, -d, -w, and CONNINFO (or several) unless the subcommand has words of its own."""
    group = parser.add_argument_group(
        "connection", "What psql takes; PG* variables, .pgpass and service files work as they do there."
    )
    if conninfo:
        group.add_argument(
            "conninfo",
            nargs="*" if several else "?",
            default=[] if several else "",
            metavar="CONNINFO",
            help="a URI (postgresql://user@host/db), pairs (host=... dbname=...), the name of a saved "
            "connection, or a database's name" + ("; several are watched at once" if several else ""),
        )
    group.add_argument("-h", "--host", metavar="HOST", help="server host, or folder of its socket")
    group.add_argument("-p", "--port", metavar="PORT", help="server port")
    group.add_argument("-U", "--username", metavar="NAME", dest="user", help="role to connect as")
    group.add_argument("-d", "--dbname", metavar="NAME", help="database to connect to")
    group.add_argument(
        "-w", "--no-password", action="store_true", help="never ask for a password; fail where one is wanted"
    )


def conninfo_of(word: str, config: Config | None = None) -> str:
    """The CONNINFO of a saved connection, or the word itself. Raises ConfigError."""
    if not word or "=" in word or "/" in word:
        return word
    if config is None:
        from pgscope.config import load

        config = load()
    return config.connections.get(word, word)


def title_of(word: str, config: Config) -> str:
    """How a screen names the saved connection of that name; '' if there is none (and so a database)."""
    return f"{word} (saved)" if word in config.connections else ""


def target_of(arguments: argparse.Namespace, config: Config | None = None, word: str | None = None) -> Target:
    """The server that the options name: a saved connection, or what psql would take. Raises UsageError.

    `word` is the CONNINFO where several were given.
    """
    from pgscope.server.conninfo import target

    return target(
        conninfo_of(arguments.conninfo if word is None else word, config),
        host=arguments.host,
        port=arguments.port,
        user=arguments.user,
        dbname=arguments.dbname,
    )


def live_source(
    target: Target, arguments: argparse.Namespace, config: Config, *, own_budget: float = math.inf
) -> LiveSource:
    """The source that the options and the file ask for; an option that was typed beats the file.

    `own_budget` is what this process may take of its own machine, in cores.
    """
    from pgscope.capture.live import LiveSource

    typed = {
        name: getattr(arguments, name)
        for name in ("interval", "sample_hz", "budget")
        if getattr(arguments, name) is not None
    }
    settled = replace(config, **typed)
    return LiveSource(
        target,
        interval=settled.interval,
        sample_hz=settled.sample_hz,
        budget=settled.budget / 100.0,
        own_budget=own_budget,
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


def _checked(text: str, check: Callable[[float], float], what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
    try:
        return check(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is {error}") from None


def interval_seconds(text: str) -> float:
    """--interval: 0.1 s to an hour."""
    return _checked(text, limits.interval, "a number of seconds")


def sample_rate(text: str) -> float:
    """--sample-hz: 0 (no sampler) to 100 looks a second."""
    return _checked(text, limits.sample_hz, "a number of looks a second")


def budget_percent(text: str) -> float:
    """--budget: percent of one core of the server."""
    return _checked(text.rstrip("%"), limits.budget, "a percentage of a core")


def add_watching(parser: argparse.ArgumentParser) -> None:
    """Add --interval, --sample-hz and --budget; None where they were not typed, so that the file holds."""
    group = parser.add_argument_group("watching")
    group.add_argument("--interval", type=interval_seconds, metavar="SECONDS", help="time between polls (1)")
    group.add_argument(
        "--sample-hz",
        type=sample_rate,
        metavar="HZ",
        help="looks of the fast sampler each second, at most (10); 0: none",
    )
    group.add_argument(
        "--budget",
        type=budget_percent,
        metavar="PERCENT",
        help="what pgscope may cost the server, in percent of one core (1); past it, it slows down",
    )


def add_filter(group: argparse._ArgumentGroup) -> None:
    """Add --filter."""
    group.add_argument(
        "--filter", metavar="TERMS", help="the filter at the start, such as 'app:web !state:idle'"
    )


def add_redact(group: argparse._ArgumentGroup) -> None:
    """Add --redact and --no-redact; None where neither was typed, so that the file holds."""
    group.add_argument(
        "--redact",
        action=argparse.BooleanOptionalAction,
        help="write no constants of statements to recordings, only their normalised form",
    )


def add_explaining(parser: argparse.ArgumentParser) -> None:
    """Add --explain-conninfo and --allow-superuser-analyze."""
    group = parser.add_argument_group("explaining")
    group.add_argument(
        "--explain-conninfo",
        metavar="CONNINFO",
        help="send every EXPLAIN to this other server (a replica, a clone): there writes may be run too",
    )
    group.add_argument(
        "--allow-superuser-analyze",
        action="store_true",
        help="let EXPLAIN ANALYZE run as a superuser, whose statements may do anything",
    )


def other_server(arguments: argparse.Namespace) -> Target | None:
    """The server that --explain-conninfo names, None without it. Raises UsageError."""
    from pgscope.server.conninfo import target

    word = arguments.explain_conninfo
    return target(conninfo_of(word)) if word else None
