"""The workloads: applications that share statements, each working in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What the applications run, by name. The alias tells them apart in pg_stat_statements.
STATEMENTS: dict[str, str] = {
    "lookup": "select v as lookup from item where id = %s",
    "page": "select id, v as page from item where id between %s and %s + 20",
    "touch": "update item set n = n + 1 where id = %s returning n as touch",
    "sum": "select sum(n) as sum from item where id between %s and %s + 4000",
    "wide": "select count(v) as wide from item where id > %s",
    "begin": "begin",
    "commit": "commit",
}

Way = Literal["autocommit", "transactions", "pipeline", "connection", "pool"]


@dataclass(frozen=True)
class Load:
    """How an application works, on each of its connections: so many requests, and a pause after each.

    A request runs its `statements`, each as often as said; in a transaction, in a pipeline, on a connection
    of its own, on a connection from a pool that is renamed for it, or each by itself. With `varied`
    the numbers differ from request to request, from none to twice as many.
    """

    application_name: str
    way: Way
    statements: tuple[tuple[str, int], ...]
    pause: float
    """Seconds."""
    connections: int = 1
    varied: bool = False
    prepared: bool = True


def _mix(*loads: Load) -> tuple[Load, ...]:
    return loads


MIXES: dict[str, tuple[Load, ...]] = {
    "loops": _mix(
        Load("importer", "autocommit", (("lookup", 40),), 0.02),
        Load("batch", "transactions", (("lookup", 40),), 0.02),
        Load("steady1", "autocommit", (("lookup", 1),), 0.003),
        Load("steady2", "autocommit", (("lookup", 1),), 0.003),
        Load("rare", "autocommit", (("lookup", 1), ("page", 1)), 0.5),
    ),
    "autocommit": _mix(
        Load("web", "autocommit", (("lookup", 6), ("page", 2)), 0.01, connections=3, varied=True),
        Load("api", "autocommit", (("lookup", 1), ("touch", 1)), 0.005, connections=2),
        Load("report", "autocommit", (("sum", 2), ("page", 1), ("wide", 1)), 0.05),
        Load("cron", "autocommit", (("touch", 3), ("sum", 1)), 0.1, varied=True),
    ),
    "transactions": _mix(
        Load("short", "transactions", (("lookup", 3), ("touch", 1)), 0.01, connections=2),
        Load("long", "transactions", (("lookup", 30), ("page", 2)), 0.04, varied=True),
        Load("middle", "transactions", (("page", 5), ("touch", 1)), 0.03),
    ),
    "both": _mix(
        Load("web", "transactions", (("lookup", 8), ("page", 1), ("touch", 1)), 0.02, 2, varied=True),
        Load("api", "autocommit", (("lookup", 1), ("page", 1)), 0.005, connections=2),
        Load("worker", "transactions", (("touch", 1),), 0.01),
        Load("export", "autocommit", (("sum", 1), ("page", 3)), 0.02),
    ),
    "pipelines": _mix(
        Load("loader", "pipeline", (("lookup", 10),), 0.01),
        Load("api", "autocommit", (("lookup", 1), ("page", 1)), 0.005, connections=2),
        Load("web", "transactions", (("lookup", 5),), 0.02),
    ),
    "connections": _mix(
        Load("php", "connection", (("lookup", 4), ("page", 1)), 0.01, prepared=False),
        Load("cgi", "connection", (("lookup", 1), ("touch", 1)), 0.03, prepared=False),
        Load("api", "autocommit", (("lookup", 1), ("page", 1)), 0.005, connections=2),
    ),
    "pool": _mix(
        Load("tenant1", "pool", (("lookup", 5), ("page", 1)), 0.01, prepared=False),
        Load("tenant2", "pool", (("lookup", 2), ("touch", 1)), 0.01, prepared=False),
        Load("tenant3", "pool", (("lookup", 1),), 0.03, prepared=False),
        Load("api", "autocommit", (("lookup", 1), ("touch", 1)), 0.01),
    ),
    "two": _mix(
        Load("big", "autocommit", (("lookup", 20), ("page", 1)), 0.01),
        Load("small", "autocommit", (("lookup", 1), ("page", 1)), 0.05, varied=True),
    ),
    "forty": tuple(
        Load(
            f"app{number:02}",
            "transactions" if number % 3 == 0 else "autocommit",
            (("lookup", 1 + number % 7), ("page" if number % 2 else "touch", 1 + number % 2)),
            0.05 + 0.01 * (number % 11),
            varied=number % 4 == 0,
        )
        for number in range(40)
    ),
}
