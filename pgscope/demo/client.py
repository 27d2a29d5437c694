"""Run one program of the demo: ``python -m pgscope.demo.client NAME CONNINFO``.

A program's module has ``SESSIONS``, how many connections it works on at once, and ``session``, a
generator that opens one of them, does one piece of work after another, and yields the mean pause in
seconds after each.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

from pgscope.demo.roster import ROSTER, Program, program

# After an error, such as a terminated session: long enough to see what waited behind it move on.
_AFTER_ERROR_SECONDS = 3.0


class Work(Protocol):
    """What a program's module offers."""

    SESSIONS: int

    def session(self, conninfo: str, chance: random.Random) -> Iterator[float]:
        """Open a connection and work on it; yields the mean pause after each piece of work."""
        ...


def repeat(work: Work, conninfo: str, chance: random.Random) -> None:
    """Work on one connection without end, and on a new one whenever something goes wrong."""
    while True:
        try:
            for pause in work.session(conninfo, chance):
                time.sleep(pause * chance.uniform(0.5, 1.5))
        except Exception as error:
            # Sessions of the demo are there to be cancelled and terminated.
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
            time.sleep(_AFTER_ERROR_SECONDS)


def await_login(conninfo: str, seconds: float) -> None:
    """Wait until the shop is loaded, which is when its roles appear.

    Raises psycopg.OperationalError after so many seconds.
    """
    import psycopg

    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def run(chosen: Program, conninfo: str, wait: float = 0.0) -> None:
    """Run a program until the process that started it is gone."""
    from psycopg.conninfo import make_conninfo

    module = importlib.import_module(f"pgscope.demo.clients.{chosen.name.replace('-', '_')}")
    work = cast(Work, module)
    if chosen.application_name:
        conninfo = make_conninfo(conninfo, application_name=chosen.application_name)
    await_login(conninfo, wait)
    for number in range(work.SESSIONS):
        chance = random.Random(f"{chosen.name} {number}")
        threading.Thread(target=repeat, args=(work, conninfo, chance), daemon=True).start()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(
        prog="python -m pgscope.demo.client", description="One program of the demo."
    )
    parser.add_argument("name", choices=[each.name for each in ROSTER])
    parser.add_argument("conninfo", help="a database made from schema.sql")
    parser.add_argument("--after", type=float, default=0.0, metavar="SECONDS", help="hold back at the start")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait for the shop")
    arguments = parser.parse_args(argv)
    # The server and the screen come first, above all while everything starts at once.
    os.nice(10)
    time.sleep(arguments.after)
    try:
        run(program(arguments.name), arguments.conninfo, arguments.wait)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
