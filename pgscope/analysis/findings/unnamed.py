"""Sessions without an application_name: nothing of theirs can be told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Cost, Evidence, Finding, Remedy
from pgscope.sample import Poll, Session
from pgscope.text import plural

_REMEDY = Remedy(
    "Name the application when it connects",
    (
        ("libpq, psycopg", "application_name=NAME in the conninfo, or PGAPPNAME=NAME in the environment"),
        ("SQLAlchemy", 'create_engine(url, connect_args={"application_name": "NAME"})'),
        ("Django", 'DATABASES["default"]["OPTIONS"] = {"application_name": "NAME"}'),
        ("JDBC, Hibernate", "jdbc:postgresql://host/db?ApplicationName=NAME"),
        ("Rails", "variables or url: ?application_name=NAME in database.yml"),
    ),
)


def no_application_name(context: Context, poll: Poll) -> Iterator[Finding]:
    """One finding for each role and database that has such sessions."""
    own = context.facts.own_pids if context.facts is not None else frozenset()
    roster = context.roster
    roster.feed(poll)
    unnamed: dict[tuple[int, int], list[Session]] = defaultdict(list)
    for _, session in sorted(roster.unnamed.items()):
        if session.pid not in own:
            unnamed[session.datid, session.usesysid].append(session)
    clients = roster.clients - len(own & roster.all.keys())
    for (datid, usesysid), sessions in unnamed.items():
        first = sessions[0]
        hosts = sorted({session.client_addr or "local" for session in sessions})
        share = len(sessions) / clients
        yield Finding(
            "no_application_name",
            "confirmed",
            ("",),
            first.database,
            first.user,
            f"{plural(len(sessions), 'session')} of {first.user} in {first.database} "
            f"{'has' if len(sessions) == 1 else 'have'} no application_name",
            None,
            None,
            (
                Evidence(
                    "sessions",
                    f"{len(sessions)} of {plural(clients, 'client session')}, from {', '.join(hosts[:5])}",
                    {"sessions": len(sessions), "share": round(share, 4)},
                ),
            ),
            Cost(sessions=len(sessions)),
            _REMEDY,
            datid=datid,
            usesysid=usesysid,
        )
