"""Everything by application, or by user, database or client address: the rows of the opening view."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import field
from operator import attrgetter

from pgscope.analysis.activity import (
    is_active,
    is_hidden,
    is_idle_in_transaction,
    is_own,
    is_waiting_for_lock,
    statement_age,
    transaction_age,
)
from pgscope.analysis.attribution.shares import Certainty
from pgscope.analysis.counters import NOTHING, Counts
from pgscope.analysis.load import LoadPoint, average
from pgscope.analysis.statements import StatementRow
from pgscope.analysis.tags import tags_of
from pgscope.dataclass import dataclass
from pgscope.sample import Session

GROUPINGS = {
    "application": "application_name",
    "user": "user",
    "database": "database",
    "client": "client_addr",
    "route": "",
}
"""What can be grouped by, and the field of a session that it is.

A route is an application's place in its program, from the tags in its live statements' comments.
"""


def group_name(session: Session, by: str) -> str:
    """The name of the group that a session belongs to; `by` is a key of GROUPINGS."""
    if by == "route":
        place = tags_of(session.query).place
        return f"{session.application_name} {place}".strip()
    return str(getattr(session, GROUPINGS[by]))


@dataclass(frozen=True)
class Group:
    """One group's sessions and statements; rates are per second of the last interval, ages in seconds."""

    name: str | None
    """'' for sessions without one; None for what no application could be found for."""
    sessions: int = 0
    active: int = 0
    idle: int = 0
    idle_in_transaction: int = 0
    waiting: int = 0
    hidden: int = 0
    """Clients of which this role may not see what they do; the counts of states are of the others."""
    background: int = 0
    """Parallel workers and other processes that work for it but are no client."""
    longest_idle_in_transaction: float | None = None
    """Age of the oldest transaction that idles."""
    longest_statement: float | None = None
    active_average: float = 0.0
    rates: Counts = NOTHING
    sampled: Counts = NOTHING
    """The part of `rates` that rests on sampling."""
    measured: Counts = NOTHING
    """The part that rests on counters of single sessions; what is left is exact."""


@dataclass
class _Tally:
    quiet: int = 0
    """Clients that are simply idle."""
    sessions: list[Session] = field(default_factory=list)
    """The others."""
    rates: Counts = NOTHING
    sampled: Counts = NOTHING
    measured: Counts = NOTHING


def groups(
    sessions: Collection[Session],
    at: float,
    load: tuple[LoadPoint, ...],
    statements: Iterable[StatementRow],
    by: str = "application",
    *,
    own: bool = False,
    waiting: Container[int] = (),
    busy: Collection[Session] | None = None,
) -> tuple[Group, ...]:
    """A group for each value of `by` (a key of GROUPINGS), by name; the unattributed remainder, if any, last.

    Statements have a user and a database of their own; an application only as far as attribution knows; a
    client address or a route never, so all are unattributed there. `own`: pgscope's own sessions too.
    `waiting`: pids that wait for a lock, where sessions are hidden and do not show it. `busy`: those of the
    sessions that are not simply idle (`Roster.busy`), if that is known: the others are only counted then.
    """
    tallies: dict[str | None, _Tally] = defaultdict(_Tally)
    looked_at = sessions
    if busy is not None and GROUPINGS[by]:
        looked_at = busy
        for name, quiet in _quiet(sessions, busy, GROUPINGS[by]).items():
            tallies[name].quiet = quiet
    for session in looked_at:
        if session.datid and (own or not is_own(session)):
            tallies[group_name(session, by)].sessions.append(session)
    for row in statements:
        if row.rates is not NOTHING and (own or not row.own):
            _spread(row, by, tallies)
    if not own and by == "application":
        # What it shares with others.
        tallies.pop("pgscope", None)
    averages = average(load, GROUPINGS[by]) if GROUPINGS[by] else {}
    made = [_group(name, tally, at, averages, waiting) for name, tally in tallies.items()]
    return tuple(sorted(made, key=lambda group: (group.name is None, group.name or "")))


def _quiet(sessions: Iterable[Session], busy: Iterable[Session], field_name: str) -> Mapping[str, int]:
    """How many sessions that are not among the busy ones there are of each name."""
    name = attrgetter(field_name)
    return Counter(map(name, sessions)) - Counter(map(name, busy))


def _spread(row: StatementRow, by: str, tallies: dict[str | None, _Tally]) -> None:
    if by == "user":
        _add(tallies[row.user], row.rates)
    elif by == "database":
        _add(tallies[row.database], row.rates)
    elif by in ("client", "route") or not row.shares:
        _add(tallies[None], row.rates)
    else:
        for share in row.shares:
            part = row.rates.times(share.share)
            if share.application_name is None:
                _add(tallies[None], part)
            else:
                _add(tallies[share.application_name], part, share.attribution)


def _add(tally: _Tally, part: Counts, certainty: Certainty = "exact") -> None:
    tally.rates = tally.rates.plus(part)
    if certainty == "sampled":
        tally.sampled = tally.sampled.plus(part)
    elif certainty == "measured":
        tally.measured = tally.measured.plus(part)


def _group(
    name: str | None, tally: _Tally, at: float, averages: dict[str, float], waiting: Container[int]
) -> Group:
    clients = [session for session in tally.sessions if session.is_client]
    idlers = [session for session in clients if is_idle_in_transaction(session)]
    idle_ages = [age for session in idlers if (age := transaction_age(session, at)) is not None]
    ages = [age for session in clients if (age := statement_age(session, at)) is not None]
    return Group(
        name=name,
        sessions=tally.quiet + len(clients),
        active=sum(1 for session in clients if is_active(session)),
        idle=tally.quiet + sum(1 for session in clients if session.state == "idle"),
        idle_in_transaction=len(idlers),
        waiting=sum(
            is_waiting_for_lock(session) or (is_hidden(session) and session.pid in waiting)
            for session in clients
        ),
        hidden=sum(is_hidden(session) for session in clients),
        background=len(tally.sessions) - len(clients),
        longest_idle_in_transaction=max(idle_ages, default=None),
        longest_statement=max(ages, default=None),
        active_average=averages.get(name, 0.0) if name is not None else 0.0,
        rates=tally.rates,
        sampled=tally.sampled,
        measured=tally.measured,
    )
