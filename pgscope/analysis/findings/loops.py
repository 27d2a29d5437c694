"""Loops without a parent here: single-row writes, and look-ups, seen again and again in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Cost, Evidence, Finding, Remedy
from pgscope.analysis.findings.remedy import one_write
from pgscope.analysis.findings.runbook import Loop
from pgscope.analysis.findings.series import Group

SHORT_RUN = 3
"""Executions seen in one transaction that count as a run of writes, if there are two such runs."""
RUN = 5
"""Executions in one transaction from which on it is a loop."""
ALONE = 25
"""Executions seen by one probe (of some 160 looks) of a session that did hardly anything else."""
ALONE_SHARE = 0.8
PATIENCE = 15
"""Windows in which a parent may be found before a loop of look-ups is said to have none."""
BUSY_WRITE = 2.0
"""Calls a second below which writes are not looked at."""


def loops(context: Context, taken: Collection[int]) -> Iterator[Finding]:
    """Loops that burst probes have shown. `taken` are groups (by id) that a parent explains."""
    for group in context.series.active():
        if id(group) in taken or group.last < context.series.newest - 5:
            continue
        shape = group.shape
        if shape.writes_one and group.rows <= 1.5 * group.calls:
            finding = _writes(context, group)
        elif shape.looks_up:
            finding = _lookups(context, group)
        else:
            continue
        if finding is not None:
            yield finding


def _writes(context: Context, group: Group) -> Finding | None:
    """Single-row writes in a loop: proved by runs in transactions, likely where one session does only that.

    executemany and batches are silent: in a pipeline the session is never seen waiting for its client.
    """
    loop = context.book.loop(group.keys, shortest=SHORT_RUN, rate=context.session_rate(group))
    if loop is not None and loop.in_transaction:
        if not loop.client_loop or (loop.longest < RUN and loop.runs < 2):
            return None
        confirmed = loop.longest >= RUN and (loop.runs >= 2 or loop.longest >= 2 * RUN)
        return _finding(
            context,
            group,
            "row_by_row_writes",
            "confirmed" if confirmed else "likely",
            _run(loop),
        )
    count, share = context.book.alone(group.keys)
    if count >= ALONE and share >= ALONE_SHARE and context.rates(group)[0] >= BUSY_WRITE:
        evidence = Evidence(
            "sequence",
            f"one session was seen to run it {count} times in under a second and hardly anything else, each "
            "time in a transaction of its own",
            {"executions": count, "share": round(share, 3)},
        )
        return _finding(context, group, "row_by_row_writes", "likely", evidence)
    return None


def _lookups(context: Context, group: Group) -> Finding | None:
    """The same look-up many times in one transaction, for keys that no statement here returned."""
    loop = context.book.loop(group.keys, shortest=RUN, rate=context.session_rate(group))
    if loop is None or not loop.in_transaction or not loop.client_loop or loop.runs < 2:
        return None
    # First let a parent be found.
    if context.series.newest - group.first < PATIENCE:
        return None
    return _finding(context, group, "lookup_loop", "", _run(loop))


def _run(loop: Loop) -> Evidence:
    return Evidence(
        "run",
        f"up to {loop.longest} executions seen in one transaction, the client taking its turn in between; "
        f"{loop.runs} such runs",
        {"longest": loop.longest, "runs": loop.runs},
    )


def _finding(context: Context, group: Group, kind: str, grade: str, evidence: Evidence) -> Finding:
    calls, rows, time, read = context.rates(group)
    loop = context.book.loop(group.keys, shortest=RUN)
    each = max(loop.longest if loop is not None else ALONE, 2)
    avoidable = calls * (1 - 1 / each)
    per_call = time / calls if calls else 0.0
    trip = context.round_trip_ms
    table = group.shape.relations[0].table if group.shape.relations else "a table"
    if kind == "row_by_row_writes":
        summary = f"rows of {table} are written one at a time, {calls:.0f} a second"
        remedy = one_write(group.text, group.shape)
    else:
        summary = f"{table} is asked for one key at a time in a loop, {calls:.0f} times a second"
        remedy = Remedy(
            "Ask for all keys at once",
            (("SQLAlchemy", "where(Model.id.in_(keys))"), ("Django", "in_bulk(keys)"), ("SQL", "= ANY($1)")),
        )
    database, user = context.place(group)
    applications = context.applications(group.keys)
    names = tuple(sorted(applications, key=lambda name: (-applications[name], name)))
    shape = Evidence(
        "shape",
        "one row by its key" if kind == "lookup_loop" else f"{group.rows / group.calls:.2f} rows a call",
        {"rows_per_call": round(group.rows / group.calls, 3) if group.calls else 0.0},
    )
    return Finding(
        kind,
        grade,
        names,
        database,
        user,
        summary,
        context.ref(group),
        None,
        (evidence, shape),
        Cost(calls, time, avoidable, trip, avoidable * (trip + per_call / 2), rows, read),
        remedy,
        datid=group.dbid,
        usesysid=group.userid,
    )
