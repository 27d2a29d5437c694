"""Many rows fetched whole, with no LIMIT and no aggregate: `len(all())` where `count()` would do."""

from __future__ import annotations

from collections.abc import Iterator

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Cost, Evidence, Finding, Remedy
from pgscope.analysis.findings.remedy import model_name
from pgscope.analysis.findings.series import Group

FEWEST_CALLS = 3
WHOLE = 0.8
"""Share of the table's rows from which on a call is said to fetch the whole table."""


def overfetch(context: Context) -> Iterator[Finding]:
    """Statements that bring many whole rows a call, and did so in the last windows."""
    least = context.settings.least_overfetch_rows
    for group in context.series.active():
        shape = group.shape
        if (
            group.rows < least * group.calls  # to know who runs it is dear
            or shape.kind != "select"
            or not shape.whole_row
            or shape.limited
            or shape.aggregate
            or shape.distinct
            or shape.locking
            or shape.set_operation
            or shape.lists
            or not shape.relations
            or group.calls < FEWEST_CALLS
            or group.last < context.series.newest - 5
        ):
            continue
        applications = context.applications(group.keys)
        names = tuple(sorted(applications, key=lambda name: (-applications[name], name)))
        if group.rows >= context.settings.of(names).overfetch_rows * group.calls:
            yield _finding(context, group, names)


def _finding(context: Context, group: Group, names: tuple[str, ...]) -> Finding:
    calls, rows, time, read = context.rates(group)
    each = group.rows / group.calls
    shape = group.shape
    table = shape.relations[0]
    schema = context.schemas.get(group.dbid)
    size = schema.size(table) if schema is not None else None
    tuples = size.reltuples if size is not None else -1.0
    whole = tuples > 0 and each >= WHOLE * tuples and not shape.joins
    evidence = [
        Evidence(
            "rows",
            f"{each:,.0f} rows a call over {group.calls:.0f} calls",
            {"rows_per_call": round(each, 1), "calls": group.calls},
        ),
        Evidence("shape", "all columns, no LIMIT, no aggregate" + ("" if shape.filtered else ", no WHERE")),
    ]
    if whole:
        evidence.append(
            Evidence(
                "table",
                f"{table.table} has about {tuples:,.0f} rows: each call fetches the whole table",
                {"table_rows": tuples},
            )
        )
    database, user = context.place(group)
    model = model_name(table.table)
    return Finding(
        "overfetch",
        "confirmed" if whole and not shape.filtered else "likely",
        names,
        database,
        user,
        f"{each:,.0f} whole rows of {table.table} a call, without a limit",
        context.ref(group),
        None,
        tuple(evidence),
        Cost(calls, time, round_trip_ms=context.round_trip_ms, rows_per_s=rows, blocks_read_per_s=read),
        Remedy(
            "Count, page or name the columns: fetch what is used",
            (
                ("SQLAlchemy", f"select(func.count()).select_from({model}), limit(n), load_only(...)"),
                ("Django", f"{model}.objects.count() for len(), exists() for a test, [:n], values_list(...)"),
                ("Rails", f"{model}.count, limit(n), pluck(...), find_each"),
                ("Hibernate", "SELECT COUNT(e), setMaxResults, a projection"),
            ),
            f"SELECT count(*) FROM {table.table}" if not shape.joins and not shape.filtered else "",
        ),
        datid=group.dbid,
        usesysid=group.userid,
    )
