"""N+1 and writes for each row: findings made from pairs of statements."""

from __future__ import annotations

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Cost, Evidence, Finding
from pgscope.analysis.findings.pairs import Pair
from pgscope.analysis.findings.proof import evidence_with, grade
from pgscope.analysis.findings.remedy import eager_load, one_write
from pgscope.analysis.findings.walk import Walk, numbers


def from_pair(context: Context, pair: Pair) -> Finding | None:
    """The finding that a pair amounts to; None where its evidence is not enough yet."""
    graded, evidence = grade(context, pair)
    writes = not pair.child.shape.looks_up
    if not graded or (writes and pair.verdict.kind != "rows"):
        return None
    if writes and not context.takes_turns(pair.child):
        # As far as is known, a pipeline (executemany, an ORM's flush): the client never waits in between.
        return None
    cost = _cost(context, pair)
    database, user = context.place(pair.child)
    schema = context.schemas.get(pair.child.dbid)
    first, last = pair.first, max(pair.child.last, pair.parent.last)
    _, rows = pair.parent.spread(first, last)
    calls, _ = pair.child.spread(first, last)
    f = pair.verdict.fit
    if writes:
        kind, summary = "row_by_row_writes", f"one write for each of {f.rows_per_call:.0f} rows read"
        remedy = one_write(pair.child.text, pair.child.shape)
    else:
        kind, summary = "n_plus_one", _summary(pair)
        unique = schema is not None and schema.is_key(pair.child.shape)
        remedy = eager_load(pair.child.text, pair.child.shape, pair.tie, unique)
    return Finding(
        kind,
        graded,
        # As its evidence says it, where no application was seen with both (`proof`).
        pair.applications or context.sole(pair.parent) or context.sole(pair.child),
        database,
        user,
        summary,
        context.ref(pair.child),
        context.ref(pair.parent),
        evidence,
        cost,
        remedy,
        tuple(zip(rows, calls, strict=True)),
        datid=pair.child.dbid,
        usesysid=pair.child.userid,
        at_once=pair.verdict.exact is not None and pair.tie is not None and not pair.verdict.needs_run,
        relationship=pair.tie.column if pair.tie is not None else "",
    )


def from_walk(context: Context, walk: Walk) -> Finding | None:
    """The finding that a walk over one great page amounts to."""
    applications = context.together(walk.child, walk.parent)
    if applications is None:
        return None
    loop = context.book.loop(walk.child.keys, walk.parent.keys)
    tags = context.tags.shared(walk.child.keys, walk.parent.keys)
    each = "one call" if walk.per_row == 1 else f"{walk.per_row} calls"
    text = (
        f"{each} for each of the {walk.rows:,.0f} rows that the parent returned at once, to the last one, in "
        f"{walk.seconds:.0f} s; none shortly before or after"
    )
    sums = Evidence("conservation", text, numbers(walk))
    database, user = context.place(walk.child)
    unique = context.schemas[walk.child.dbid].is_key(walk.child.shape)
    avoidable, trip = (walk.calls - 1) / walk.seconds, context.round_trip_ms
    return Finding(
        "n_plus_one",
        "confirmed" if tags or (loop is not None and loop.in_transaction) else "likely",
        applications or context.sole(walk.parent) or context.sole(walk.child),
        database,
        user,
        f"1 + {walk.calls:.0f}: {walk.tie.to_table} is asked for once for each row of {walk.tie.from_table} "
        f"by {walk.tie.column}",
        context.ref(walk.child),
        context.ref(walk.parent),
        evidence_with(context, sums, walk.child, walk.parent, walk.tie, applications),
        Cost(
            calls_per_s=walk.calls / walk.seconds,
            server_ms_per_s=walk.exec_time / walk.seconds,
            avoidable_round_trips_per_s=avoidable,
            round_trip_ms=trip,
            client_wait_ms_per_s=avoidable * (trip + walk.exec_time / walk.calls),
        ),
        eager_load(walk.child.text, walk.child.shape, walk.tie, unique),
        ((walk.rows, walk.calls),),
        datid=walk.child.dbid,
        usesysid=walk.child.userid,
        at_once=True,
        relationship=walk.tie.column,
    )


def _summary(pair: Pair) -> str:
    f = pair.verdict.fit
    name = pair.child.shape.relations[0].table if pair.child.shape.relations else "the child"
    if pair.tie is not None:
        name = pair.tie.to_table
    per_page = pair.verdict.per_row * f.rows_per_call or f.calls_per_parent
    source = pair.tie.from_table if pair.tie is not None else "the parent"
    by = f" by {pair.tie.column}" if pair.tie is not None else ""
    return f"1 + {per_page:.0f}: {name} is asked for once for each row of {source}{by}"


def _cost(context: Context, pair: Pair) -> Cost:
    calls, _, time, read = context.rates(pair.child)
    parent_calls, parent_rows, _, _ = context.rates(pair.parent)
    f = pair.verdict.fit
    # What the parent's rows explain; the rest is direct use, which no eager load would spare.
    explained = (
        pair.verdict.per_row * parent_rows if pair.verdict.per_row else f.calls_per_parent * parent_calls
    )
    looped = min(calls, explained)
    avoidable = max(looped - parent_calls, 0.0)
    per_call = time / calls if calls else 0.0
    trip = context.round_trip_ms
    return Cost(
        calls_per_s=looped,
        server_ms_per_s=per_call * looped,
        avoidable_round_trips_per_s=avoidable,
        round_trip_ms=trip,
        client_wait_ms_per_s=avoidable * (trip + per_call),
        blocks_read_per_s=read,
    )
