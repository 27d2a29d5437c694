"""uv run python -m tests.bench.cost [--sessions 100,1000] [--waiters 0,500] [--seconds 20] [--markdown]

Linux only: it reads /proc. Measure on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import compileall
import os
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import platformdirs

import pgscope
from pgscope.embedded import EmbeddedServer
from tests.bench.cost.load import ADDRESS, MARK, SETTINGS, Sessions, fill_statements
from tests.bench.cost.program import Cost, Run
from tests.proxy import Proxy
from tests.servers import Servers

WARM = 15.0
"""Seconds until a program has read what it reads once."""
SETTLED = 65.0
"""Seconds until the idle sessions have been idle for more than a minute, as most of a server are."""


@dataclass(frozen=True)
class Program:
    """How a program is started, what shows that it is useful, and which keys lead to what is measured."""

    name: str
    command: tuple[str, ...]
    database: str
    marker: str
    keys: bytes = b""
    echo: bytes = b""


def installed(package: str) -> Path | None:
    """The newest of a package from PyPI in an environment of its own; its folder of programs."""
    folder = Path(platformdirs.user_cache_path("pgscope-bench")) / package
    made = subprocess.run(
        ["uv", "venv", "--quiet", "--allow-existing", str(folder)], capture_output=True, check=False
    )
    python = str(folder / "bin" / "python")
    install = ("uv", "pip", "install", "--quiet", "--upgrade", "--compile-bytecode")
    drivers = ("psycopg[binary]",) if package == "pg_activity" else ()
    added = (
        made.returncode
        or subprocess.run(
            [*install, "--python", python, package, *drivers],
            capture_output=True,
            check=False,
        ).returncode
    )
    return None if added else folder / "bin"


def compile_ours() -> None:
    """Have byte code of pgscope and what it uses, as pip makes it where one installs."""
    folders = [Path(pgscope.__file__).parent, *map(Path, site.getsitepackages())]
    for folder in folders:
        compileall.compile_dir(folder, quiet=2, workers=0)


def programs(folder: Path, refresh: int) -> list[Program]:
    """What is compared; pgscope twice: with what the other shows too, and with everything on.

    And a client that only reads and draws (`floor`): what no client with these libraries comes below.
    """
    conninfo = f"host={folder} port=5432 user=postgres dbname="
    connect = (sys.executable, "-m", "pgscope", "connect", "--no-password", "--interval", str(refresh))
    found = []
    if (tools := installed("pg_activity")) is not None:
        program = (str(tools / "pg_activity"), "--refresh", str(refresh))
        found.append(Program("pg_activity", (*program, f"{conninfo}plain"), "plain", MARK))
    # Without the extension in its database and without the sampler: sessions, totals, locks.
    bare = Program(
        "pgscope, sessions only", (*connect, "--sample-hz", "0", f"{conninfo}plain"), "plain", MARK
    )
    whole = Program("pgscope", (*connect, f"{conninfo}counted"), "counted", MARK)
    found.append(Program(bare.name, bare.command, bare.database, MARK, b"2"))
    found.append(Program("pgscope, Applications", whole.command, "counted", MARK))
    found.append(Program("pgscope, Sessions", whole.command, "counted", MARK, b"2", b"jk"))
    found.append(Program("pgscope, Statements", whole.command, "counted", MARK, b"3", b"jk"))
    floor = (sys.executable, "-m", "tests.bench.cost.floor", f"{conninfo}counted")
    found.append(Program("Textual and psycopg alone", floor, "counted", MARK))
    if (tools := installed("hastin")) is not None:
        uri = f"postgresql://postgres@/plain?host={quote(str(folder))}&port=5432"
        found.append(Program("hastin", (str(tools / "hastin"), uri), "plain", MARK))
    return found


COLUMNS: tuple[tuple[str, Callable[[Cost], float], str], ...] = (
    ("server ms/s", lambda cost: cost.server_ms, "{:.1f}"),
    ("kB/s", lambda cost: cost.received / 1000, "{:.1f}"),
    ("rows/s", lambda cost: cost.rows, "{:.0f}"),
    ("round trips/s", lambda cost: cost.round_trips, "{:.1f}"),
    ("client ms/s", lambda cost: cost.client_ms, "{:.0f}"),
    ("memory MB", lambda cost: cost.memory / 1e6, "{:.0f}"),
    ("first paint s", lambda cost: cost.first_paint, "{:.2f}"),
    ("terminal kB/s", lambda cost: cost.painted / 1000, "{:.1f}"),
    ("key p99 ms", lambda cost: cost.echo_ms, "{:.0f}"),
)
_COMPARED = ("server ms/s", "client ms/s", "memory MB", "first paint s")


def table(costs: Sequence[Cost]) -> str:
    """A Markdown table; in brackets the ratio to pg_activity."""
    other = next((cost for cost in costs if cost.name == "pg_activity" and not cost.problem), None)
    lines = [
        "| program | " + " | ".join(head for head, _, _ in COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for cost in costs:
        if cost.problem:
            lines.append(f"| {cost.name} | does not start: {cost.problem} |" + " |" * (len(COLUMNS) - 1))
            continue
        cells = []
        for head, value, form in COLUMNS:
            cell = form.format(value(cost)) if value(cost) else ""
            if other is not None and cost is not other and head in _COMPARED and value(other):
                cell += f" ({value(cost) / value(other):.2f})"
            cells.append(cell)
        lines.append(f"| {cost.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(server: EmbeddedServer, sessions: Sessions, arguments: argparse.Namespace, waiters: int) -> None:
    """All programs in turn, and the table."""
    costs = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
    compile_ours()
    with tempfile.TemporaryDirectory(prefix="pgscope-cost-") as name, sessions.waiting(waiters):
        folder = Path(name)
        environment |= {"XDG_CONFIG_HOME": name, "XDG_STATE_HOME": name, "HOME": name}
        with Proxy(folder, (ADDRESS, server.port)) as proxy:
            for program in programs(folder, arguments.refresh):
                if arguments.only and arguments.only not in program.name:
                    continue
                one = Run(program.name, program.command, proxy, environment)
                costs.append(one.measure(MARK, program.keys, WARM, arguments.seconds, program.echo))
                print(f"  {program.name}: done", file=sys.stderr, flush=True)
    print(
        f"\n{len(sessions.connections)} sessions, {waiters} waiting for a lock\n\n{table(costs)}", flush=True
    )


def main() -> None:
    """Parse the options, set up, measure."""
    parser = argparse.ArgumentParser(prog="tests.bench.cost", description=__doc__)
    parser.add_argument("--sessions", default="100,1000")
    parser.add_argument("--waiters", default="0,500", help="with at least as many sessions")
    parser.add_argument("--statements", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--refresh", type=int, default=1)
    parser.add_argument("--only", default="", help="programs with this in their name")
    arguments = parser.parse_args()
    counts = [int(word) for word in arguments.sessions.split(",")]
    settings = {**SETTINGS, "max_connections": str(max(counts) + 50)}
    server = Servers().fresh(18, settings)
    try:
        import psycopg

        with psycopg.connect(server.conninfo, autocommit=True) as admin:
            admin.execute("CREATE DATABASE plain")
            admin.execute("CREATE DATABASE counted")
        with psycopg.connect(server.conninfo_for("plain"), autocommit=True) as admin:
            admin.execute("DROP EXTENSION IF EXISTS pg_stat_statements")
        entries, size = fill_statements(server.conninfo_for("counted"), arguments.statements)
        print(f"{entries} statements with {size / 1e6:.0f} MB of text, PostgreSQL 18", flush=True)
        for many in counts:
            sessions = Sessions(server.conninfo_for("counted"), many)
            try:
                time.sleep(SETTLED)
                for waiters in (int(word) for word in arguments.waiters.split(",")):
                    if waiters < many - 10:
                        run(server, sessions, arguments, waiters)
            finally:
                sessions.close()
    finally:
        server.stop("immediate")


if __name__ == "__main__":
    main()
