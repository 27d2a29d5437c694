"""Show a statement's plan, with the buffers of each node where it may be run."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pgscope.cli.options import add_connection, conninfo_of
from pgscope.cli.streams import write_stderr, write_stdout
from pgscope.errors import ConnectionFailed, PgscopeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pgscope.server.conninfo import Target
    from pgscope.server.explain import ExplainRequest, ExplainResult, Pick
    from pgscope.server.explain.request import Value

_PICKS = ("pg_stats", "pg_stats:common", "pg_stats:typical", "pg_stats:rare", "live")


DESCRIPTION = (
    "Plan a statement, safely: one statement, in a read-only transaction that is rolled back. "
    "--analyze runs it. What could do harm is refused, with the reason, and status 4."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, CONNINFO and `-` among them."""
    add_connection(parser, conninfo=False)
    parser.add_argument(
        "words", nargs="*", metavar="CONNINFO", help="what to connect to; - reads the statement"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--queryid", type=int, metavar="N", help="a statement of pg_stat_statements")
    source.add_argument("--file", metavar="F", help="a file that holds the statement")
    parser.add_argument("--analyze", action="store_true", help="run it, in a transaction that is rolled back")
    parser.add_argument("--value", action="append", default=[], metavar="N=VALUE", help="a value for $N")
    parser.add_argument("--values-from", choices=_PICKS, help="where values come from that are not given")
    parser.add_argument("--role", metavar="ROLE", help="plan as this role, where that is allowed")
    parser.add_argument("--search-path", metavar="PATH", help="instead of the role's own")
    parser.add_argument(
        "--allow-functions", action="store_true", help="let planning call user-defined functions"
    )
    parser.add_argument(
        "--allow-superuser-analyze", action="store_true", help="let ANALYZE run as a superuser"
    )
    parser.add_argument("--explain-conninfo", metavar="CONNINFO", help="another server to plan and run on")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="default 30")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json is the server's own")
    parser.add_argument("--width", type=int, metavar="COLUMNS", help="of the text; default: the terminal's")
    parser.add_argument("--no-save", action="store_true", help="do not keep the plan in the state folder")


def run(args: argparse.Namespace) -> int:
    """Explain; print the plan on standard output and what is to be said beside it on standard error."""
    import asyncio

    from pgscope.cli.password import asking
    from pgscope.report.place import pointed
    from pgscope.server.conninfo import target
    from pgscope.server.explain import ExplainFailed, Refused
    from pgscope.text import clean

    try:
        if not 0 < args.timeout < 1e6:
            raise UsageError("--timeout wants a number of seconds above 0")
        conninfo, from_stdin = _words(args.words)
        server = target(
            conninfo_of(conninfo), host=args.host, port=args.port, user=args.user, dbname=args.dbname
        )

        def use(asked: Target) -> Awaitable[tuple[ExplainRequest, ExplainResult]]:
            return _explain(args, asked, from_stdin)

        request, result = asyncio.run(asking(server, use, ask=not args.no_password))
        _print(args, request, result)
    except (Refused, ExplainFailed) as error:
        write_stderr(f"pgscope: {clean(str(error))}")
        for line in pointed(error.text, error.position):
            write_stderr(f"  {line}")
        return error.status
    except PgscopeError as error:
        write_stderr(f"pgscope: {clean(str(error))}")
        return error.status
    except KeyboardInterrupt:
        write_stderr("pgscope: cancelled")
        return 130
    return 0


def _words(words: list[str]) -> tuple[str, bool]:
    """The CONNINFO, and whether the statement comes from standard input."""
    rest = [word for word in words if word != "-"]
    if len(rest) > 1:
        raise UsageError(f"one CONNINFO is enough: what is {rest[1]!r}?")
    return (rest[0] if rest else ""), len(rest) < len(words)


async def _explain(
    args: argparse.Namespace, server: Target, from_stdin: bool
) -> tuple[ExplainRequest, ExplainResult]:
    from dataclasses import replace

    from pgscope.cli.password import with_password_for
    from pgscope.server.connection import PasswordNeeded
    from pgscope.server.conninfo import target
    from pgscope.server.explain import ExplainFailed, ExplainRequest, Refused, explain, identity
    from pgscope.server.explain.lookup import by_queryid

    chosen = sum((args.queryid is not None, args.file is not None, from_stdin))
    if chosen != 1:
        raise UsageError("give one statement: --queryid N, --file F, or - for standard input")
    request = ExplainRequest(
        text="",
        user=args.role,
        queryid=args.queryid,
        analyze=args.analyze,
        values=_values(args.value),
        pick=_pick(args.values_from),
        search_path=args.search_path,
        allow_functions=args.allow_functions,
        allow_superuser_analyze=args.allow_superuser_analyze,
        elsewhere=args.explain_conninfo is not None,
        timeout_ms=int(args.timeout * 1000),
    )
    if args.queryid is not None:
        live = args.values_from == "live"
        found = await by_queryid(server, args.queryid, live=live)
        request = replace(
            request,
            text=found.text,
            user=args.role or found.role,
            database=None if args.explain_conninfo else found.database,
            text_limit=found.text_limit,
        )
    elif args.values_from == "live":
        raise UsageError("--values-from live goes with --queryid: it takes the text of a session")
    else:
        request = replace(request, text=_read(args.file, from_stdin))
    home = await identity(server) if request.elsewhere else None
    other = server
    if args.explain_conninfo is not None:
        named = target(conninfo_of(args.explain_conninfo))
        try:
            other = await with_password_for(named, ask=not args.no_password)
        except PasswordNeeded as error:
            # Of the other server: nobody is to be asked for that of the one watched.
            raise ConnectionFailed(str(error)) from None
    try:
        result = await explain(request, other, home=home)
    except (Refused, ExplainFailed) as error:
        error.text = request.text
        raise
    return request, result


def _read(file: str | None, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read()
    try:
        return Path(file or "").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {file}: {reason}") from None


def _values(given: list[str]) -> dict[int, Value]:
    """`1=x` to the value of $1; a number given again adds an element to a list."""
    found: dict[int, Value] = {}
    for entry in given:
        number, equals, value = entry.partition("=")
        if not equals or not number.strip().lstrip("$").isdigit():
            raise UsageError(f"--value wants N=VALUE, such as 1=42: {entry!r}")
        place = int(number.strip().lstrip("$"))
        before = found.get(place)
        if place not in found:
            found[place] = value
        elif isinstance(before, tuple):
            found[place] = (*before, value)
        else:
            found[place] = (before, value)
    return found


def _pick(choice: str | None) -> Pick | None:
    from pgscope.server.explain import Pick

    if choice is None or choice == "live":
        return None
    return {"typical": Pick.TYPICAL, "rare": Pick.RARE}.get(choice.partition(":")[2], Pick.COMMON)


def _print(args: argparse.Namespace, request: ExplainRequest, result: ExplainResult) -> None:
    import json

    from pgscope.analysis.plan import parse
    from pgscope.analysis.plan.tips import tips
    from pgscope.report.plan_text import render
    from pgscope.text import clean

    plan = parse(result.document, result.block_size)
    about = [
        f"planned by {result.server}{' (another server)' if result.elsewhere else ''},"
        f" database {result.database}, as {result.role}, search_path {result.search_path}"
    ]
    if result.generic:
        about.append("a generic plan: parameters without values")
    about += [f"${n} = {origin.value!r}: {origin.source}" for n, origin in sorted(result.parameters.items())]
    about += result.notes
    if result.same_statement:
        about.append("the Query Identifier is that of the statement")
    if not args.no_save:
        about += _kept(request, result)
    if args.format == "json":
        write_stdout(json.dumps(result.document, indent=2) + "\n")
        for line in about:
            write_stderr(clean(line, lines=False))
        return
    width = args.width or shutil.get_terminal_size((80, 24)).columns
    lines = [*(clean(line, lines=False) for line in about), "", render(plan, width, tips(plan))]
    write_stdout("\n".join(lines) + "\n")


def _kept(request: ExplainRequest, result: ExplainResult) -> list[str]:
    """Keep the plan; a line on what changed since the last one of this statement."""
    import time

    from pgscope.analysis.plan import PlanError, parse
    from pgscope.analysis.plan.diff import one_line
    from pgscope.capture.keeping import keep
    from pgscope.capture.plan_store import PlanStore

    kept = keep(PlanStore(), request, result, time.time())
    lines = [kept.problem] if kept.problem else []
    if kept.before is not None:
        try:
            lines.append(
                "since the last time: " + one_line(parse(kept.before.document), parse(result.document))
            )
        except PlanError:
            lines.append("the plan kept last time cannot be read")
    return lines
