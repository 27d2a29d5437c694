"""Check how well a server can be observed, and print what would mend it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from pgscope.cli.options import add_connection, target_of
from pgscope.cli.streams import write_stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgscope.analysis.doctor import Item
    from pgscope.sample import Checkup

DESCRIPTION = "Check a server's set-up for observability: what was found, why it matters, what mends it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope doctor`."""
    add_connection(parser)
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="ITEM",
        help="exit with 1 if this could be better; 'any' for all of them; may be given several times",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text (default) or json")


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope doctor`; 1 if an item of --fail-on is not well. Raises UsageError, ConnectionFailed."""
    import asyncio

    from pgscope.analysis.doctor import diagnose
    from pgscope.capture.checking import check_up
    from pgscope.cli.password import asking
    from pgscope.errors import EXIT_FOUND, UsageError

    checkup = asyncio.run(asking(target_of(arguments), check_up, ask=not arguments.no_password))
    items = diagnose(checkup)
    if arguments.format == "json":
        write_stdout(as_json(checkup, items), utf8=True)
    else:
        write_stdout(as_text(checkup, items))
    wanted = set(arguments.fail_on)
    if unknown := sorted(wanted - {"any"} - {item.name for item in items}):
        names = ", ".join(item.name for item in items)
        raise UsageError(f"--fail-on: no item is named {unknown[0]!r}; there are: any, {names}")
    return (
        EXIT_FOUND if any(not item.ok and ("any" in wanted or item.name in wanted) for item in items) else 0
    )


def as_json(checkup: Checkup, items: Sequence[Item]) -> str:
    """One JSON document: the server, and the items."""
    facts = checkup.facts
    document = {
        "server": {
            "version": facts.version,
            "host": facts.host,
            "port": facts.port,
            "database": facts.database,
            "user": facts.user,
        },
        "items": [
            {
                "name": item.name,
                "status": item.status,
                "found": item.found,
                "why": item.why,
                "statement": item.statement or None,
            }
            for item in items
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_text(checkup: Checkup, items: Sequence[Item]) -> str:
    """Lines for a terminal of 80 columns or more: first what needs mending, then what is well."""
    facts = checkup.facts
    wrong = [item for item in items if not item.ok]
    lines = [f"PostgreSQL {facts.version} at {facts.host}:{facts.port}, {facts.database} as {facts.user}", ""]
    for item in wrong:
        lines += [f"! {item.name}: {item.found}", f"    why:  {item.why}", f"    mend: {item.statement}", ""]
    lines += [f"  {item.name}: {item.found}" for item in items if item.ok]
    lines += ["", f"{len(wrong)} of {len(items)} items could be better" if wrong else "all is well"]
    return "\n".join(lines) + "\n"
