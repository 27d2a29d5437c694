"""The programs of the demo: what each is, and what it is there to show."""

from __future__ import annotations

from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Program:
    """One client program.

    ``name`` is its module below ``clients`` (with _ for -), ``application_name`` what it tells the
    server, ``user`` the role it logs in as, ``after`` the seconds that it holds back at the start,
    so that the first screen does not wait for all of them.
    """

    name: str
    application_name: str
    user: str
    after: float
    shows: str


ROSTER: tuple[Program, ...] = (
    Program("storefront", "storefront", "shop", 0.0, "N+1 on a collection, in transactions (SQLAlchemy)"),
    Program("billing", "billing", "shop", 0.0, "a transaction left idle, with a lock that others need"),
    Program("api", "api", "shop", 0.2, "key look-ups by many short requests"),
    Program("worker", "worker", "shop", 0.4, "a queue with FOR UPDATE SKIP LOCKED"),
    Program("mobile", "mobile", "shop", 0.6, "readers that queue up behind the migration"),
    Program("unnamed", "", "shop", 0.8, "a program that sets no application_name"),
    Program("admin", "admin", "backoffice", 1.0, "N+1 on a reference, in autocommit (Django)"),
    Program("reports", "reports", "analyst", 1.5, "scans, and a sort that spills to disk"),
    Program("migration", "migration", "shop", 2.0, "ALTER TABLE that waits for the idle transaction"),
    Program(
        "storefront-fast", "storefront-fast", "shop", 2.5, "the storefront's page done right (SQLAlchemy)"
    ),
    Program("admin-fast", "admin-fast", "backoffice", 3.0, "the admin's page done right (Django)"),
    Program("exporter", "exporter", "shop", 3.5, "a whole table fetched to count it (SQLAlchemy)"),
    Program("surveys", "surveys", "shop", 4.0, "N+1 on a collection, in autocommit (Django)"),
)


def program(name: str) -> Program:
    """The program of that name. Raises KeyError."""
    return {each.name: each for each in ROSTER}[name]
