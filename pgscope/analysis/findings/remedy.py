"""What to write in place of a loop, in the words of the common ORMs and as SQL."""

from __future__ import annotations

from pgscope.analysis.findings.model import Remedy
from pgscope.analysis.findings.relation import Relationship
from pgscope.analysis.shape import Shape


def model_name(table: str) -> str:
    """A guess at the class an ORM maps a table to: polls_question -> Question."""
    last = table.rsplit("_", 1)[-1] if "_" in table else table
    if last.endswith("ies"):
        last = last[:-3] + "y"
    elif last.endswith("s") and not last.endswith("ss"):
        last = last[:-1]
    return last[:1].upper() + last[1:]


def eager_load(child: str, shape: Shape, tie: Relationship | None, unique: bool) -> Remedy:
    """For N+1: the relationship by name, and the eager load that mends it."""
    from pgscope.analysis.findings.batch import batched  # brings the parser

    if tie is None:
        column = shape.equalities[0].name if shape.equalities else ""
        return Remedy(
            "Load what the loop asks for together with the rows it walks over",
            (
                ("SQLAlchemy", "options(selectinload(...)) or joinedload(...) on the outer select"),
                ("Django", "prefetch_related(...) or select_related(...) on the outer query set"),
                ("Rails", "includes(...) on the outer relation"),
                ("Hibernate", "JOIN FETCH, @EntityGraph or @BatchSize"),
            ),
            batched(child, column, unique),
        )
    sql = batched(child, _column_of_child(tie, shape), unique)
    outer, inner = model_name(tie.from_table), model_name(tie.to_table)
    if tie.kind == "reload":
        return Remedy(
            f"{tie.to_table} is read again row by row by {tie.column}: read it once, with all columns",
            (
                ("SQLAlchemy", "expire_on_commit=False, or no deferred columns; session.get() not in a loop"),
                ("Django", f"drop only()/defer(); {outer}.objects.in_bulk(ids)"),
                ("Rails", f"{outer}.where(id: ids) in place of find in a loop"),
                ("Hibernate", "findAllById or a query with all ids"),
            ),
            sql,
        )
    if shape.aggregate:
        return Remedy(
            f"Count {tie.to_table} for all rows of {tie.from_table} at once, by {tie.column}",
            (
                ("SQLAlchemy", f"column_property or a subquery: func.count() grouped by {tie.column}"),
                ("Django", f"{outer}.objects.annotate(Count({inner.lower()!r}))"),
                ("Rails", "counter_cache, or group(...).count"),
                ("Hibernate", "@Formula, or one query with GROUP BY"),
            ),
            sql,
        )
    if tie.kind == "collection":
        return Remedy(
            f"Load {tie.to_table} of all rows of {tie.from_table} at once, by {tie.column}",
            (
                ("SQLAlchemy", f"select({outer}).options(selectinload({outer}.<its {tie.to_table}>))"),
                ("Django", f'{outer}.objects.prefetch_related("{inner.lower()}_set" or its related_name)'),
                ("Rails", f"{outer}.includes(:{tie.to_table})"),
                ("Hibernate", "JOIN FETCH, @EntityGraph, or @BatchSize on the collection"),
            ),
            sql,
        )
    field = tie.column.rsplit(".", 1)[-1]
    field = field[:-3] if field.endswith("_id") else field
    return Remedy(
        f"Load {tie.to_table} together with {tie.from_table}, by {tie.column}",
        (
            ("SQLAlchemy", f"select({outer}).options(joinedload({outer}.{field}))"),
            ("Django", f'{outer}.objects.select_related("{field}")'),
            ("Rails", f"{outer}.includes(:{field})"),
            ("Hibernate", f"JOIN FETCH {outer.lower()}.{field}, or @EntityGraph"),
        ),
        sql,
    )


def one_write(text: str, shape: Shape) -> Remedy:
    """For single-row writes in a loop."""
    from pgscope.analysis.findings.batch import batched_write

    table = shape.relations[0].table if shape.relations else "the table"
    if shape.kind == "insert":
        return Remedy(
            f"Insert many rows into {table} with one statement",
            (
                ("SQLAlchemy", f"session.execute(insert({model_name(table)}), [{{...}}, ...])"),
                ("Django", f"{model_name(table)}.objects.bulk_create([...])"),
                ("psycopg", "executemany(...), or COPY for thousands of rows"),
                ("Rails", f"{model_name(table)}.insert_all([...])"),
                ("Hibernate", "hibernate.jdbc.batch_size with ordered inserts"),
            ),
            batched_write(text),
        )
    verb = "Update" if shape.kind == "update" else "Delete"
    column = shape.equalities[0].name if shape.equalities else "id"
    sql = f"DELETE FROM {table} WHERE {column} = ANY($1)"
    if shape.kind == "update":
        sql = (
            f"UPDATE {table} SET ... = changed.value\n"
            f"FROM unnest($1, $2) AS changed (key, value)\nWHERE {table}.{column} = changed.key"
        )
    model = model_name(table)
    bulk = "bulk_update([...], [...])" if verb == "Update" else "filter(pk__in=[...]).delete()"
    return Remedy(
        f"{verb} rows of {table} with one statement",
        (
            ("SQLAlchemy", f"session.execute({shape.kind}({model}), [{{...}}, ...]) or one with a WHERE"),
            ("Django", f"{model}.objects.{bulk}"),
            ("psycopg", "executemany(...), or one statement with unnest"),
            ("Rails", f"{model}.where(...).{shape.kind}_all"),
            ("Hibernate", "hibernate.jdbc.batch_size, or a bulk HQL statement"),
        ),
        sql,
    )


def _column_of_child(tie: Relationship, shape: Shape) -> str:
    """The column that the child compares: the foreign key's own, or the key it refers to."""
    asked = [column.name for column in shape.equalities]
    named = tie.column.rsplit(".", 1)[-1]
    if tie.kind != "reference" and named in asked:
        return named
    for column in shape.equalities:
        if column.relation is not None and column.relation.table == tie.to_table:
            return column.name
    return asked[0] if asked else ""
