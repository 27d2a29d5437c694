"""Texts as pg_stat_statements keeps them, on every major: planned as what they are, or refused by name."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from pgscope.server.conninfo import Target
from pgscope.server.explain import ExplainFailed, ExplainRequest, Failures, Pick, Refused, explain, offer
from pgscope.server.explain.normalised import rewrite
from pgscope.server.explain.statement import read

PLANNED = (
    "SELECT * FROM orders WHERE id = 5",
    "SELECT * FROM orders WHERE status = 'open' AND customer > 10 AND total < 9.5",
    "SELECT * FROM orders WHERE id IN (1, 2, 3, 4)",
    "SELECT * FROM orders WHERE id IN (1, 2, 3) AND status IN ('open', 'paid') AND customer = 7",
    "SELECT * FROM orders WHERE id NOT IN (1, 2)",
    "SELECT * FROM orders WHERE id = ANY (ARRAY[1, 2, 3])",
    "SELECT * FROM orders WHERE id <> ALL (ARRAY[1, 2, 3])",
    "SELECT * FROM orders WHERE id = ANY ('{1,2,3}')",
    "SELECT * FROM orders WHERE status = ANY (ARRAY['open', 'paid'])",
    "SELECT * FROM orders WHERE made > now() - interval '7 days'",
    "SELECT * FROM orders WHERE made > date '2026-03-01' AND made < date '2026-03-01' + interval '3' month",
    "SELECT * FROM orders WHERE made > timestamp with time zone '2026-03-01 10:00:00+00'",
    "SELECT extract(year FROM made), count(*) FROM orders GROUP BY 1",
    "SELECT * FROM orders WHERE extract(month FROM made) = 3",
    "SELECT date_trunc('month', made) FROM orders",
    "SELECT * FROM orders WHERE id BETWEEN 5 AND 10",
    "SELECT * FROM orders WHERE status LIKE 'o%' ESCAPE '!'",
    "SELECT * FROM orders WHERE status ILIKE '%p%' OR status SIMILAR TO 'x|y'",
    "SELECT * FROM orders ORDER BY id LIMIT 10 OFFSET 20",
    "SELECT * FROM orders FETCH FIRST 5 ROWS ONLY",
    "SELECT CASE WHEN status = 'open' THEN 1 ELSE 0 END FROM orders",
    "SELECT coalesce(email, 'none'), nullif(status, 'open') FROM orders",
    "SELECT concat('a', id, 'b'), concat_ws('-', status, 'x') FROM orders",
    "SELECT json_build_object('id', id, 'kind', 'order') FROM orders",
    "SELECT concat('a', id) FROM orders WHERE id = ANY (ARRAY[1, 2])",
    "SELECT id + 1, total * 1.5, -id FROM orders",
    "SELECT id::text || 'x', '5'::int + id, CAST('2026-01-01' AS date) FROM orders",
    "SELECT substring(status FROM 1 FOR 2), position('p' IN status), overlay(status PLACING 'x' FROM 2) FROM orders",
    "SELECT made AT TIME ZONE 'UTC' FROM orders",
    "SELECT * FROM orders WHERE (id, customer) = (1, 2)",
    "SELECT * FROM orders WHERE (id, customer) IN ((1, 2), (3, 4))",
    "SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM orders p WHERE p.customer = o.id AND p.status = 'open')",
    "SELECT * FROM orders WHERE total > (SELECT avg(total) * 1.1 FROM orders WHERE status = 'paid')",
    "WITH c AS (SELECT * FROM orders WHERE customer = 4) SELECT * FROM c WHERE total > 3",
    "SELECT count(*) FILTER (WHERE status = 'open'), string_agg(status, ',') FROM orders",
    "SELECT rank() OVER (ORDER BY total), ntile(4) OVER (ORDER BY id), lag(id, 1, 0) OVER (ORDER BY id) FROM orders",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders",
    "SELECT customer, count(*) FROM orders GROUP BY customer HAVING count(*) > 3",
    "SELECT * FROM orders WHERE status IS DISTINCT FROM 'open' AND (id > 3) IS NOT TRUE",
    "SELECT ARRAY[1, 2, id], array_position(ARRAY['a', 'b'], status) FROM orders",
    "SELECT to_char(made, 'YYYY-MM'), round(total, 2) FROM orders",
    "SELECT 'x' UNION ALL SELECT status FROM orders WHERE id = 3",
    "SELECT 1 AS one, 'text' AS word",
    "VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO orders (id, customer, status, total, made) VALUES (99999, 1, 'new', 5, '2026-01-01')",
    "UPDATE orders SET status = 'shut', total = total + 1 WHERE id = 99999",
    "DELETE FROM orders WHERE id = 99999 AND made < '2026-02-02'",
)
BY_NAME = {
    "SELECT 1 + 2": "operator is not unique",
    "SELECT * FROM generate_series(1, 3)": "is not unique",
    "SELECT * FROM orders WHERE id > ANY (ARRAY[1, 2])": "operator does not exist",
}


def normalised(server: Target, statements: Iterable[str]) -> list[tuple[int, str]]:
    """Run statements, and take their entries from pg_stat_statements."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("SET search_path = app, public")
        connection.execute("SELECT pg_stat_statements_reset()")
        for statement in statements:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode())
        return connection.execute(
            "SELECT queryid, query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_statements%'"
            " AND query !~* '^(begin|rollback|set |savepoint)'"
        ).fetchall()


async def test_normalised_texts_are_planned_as_themselves(admin: Target) -> None:
    """The Query Identifier proves for nearly all that it is the very statement; unequal ones are counted."""
    unequal: list[str] = []
    failed: list[tuple[str, str]] = []
    entries = normalised(admin, PLANNED)
    # From 18 on, lists of any length share an entry.
    assert len(PLANNED) - 3 <= len(entries) <= len(PLANNED)
    for queryid, text in entries:
        assert "$1" in text, text
        request = ExplainRequest(text, queryid=queryid, search_path="app, public", list_length=3)
        try:
            result = await explain(request, admin)
        except ExplainFailed as error:
            failed.append((text, str(error)))
            continue
        assert result.generic
        if not result.same_statement:
            unequal.append(text)
    assert failed == []
    # Where a literal's type cannot be told from the text, the declared one differs from the literal's own.
    assert len(unequal) <= 0.35 * len(PLANNED), unequal


async def test_what_cannot_be_planned_says_why_and_is_remembered(admin: Target) -> None:
    failures = Failures()
    for statement, words in BY_NAME.items():
        ((queryid, text),) = normalised(admin, [statement])
        request = ExplainRequest(text, queryid=queryid, search_path="app, public")
        with pytest.raises(ExplainFailed, match=words):
            await explain(request, admin, failures=failures)
        with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
            connection.execute("SELECT pg_stat_statements_reset()")
            with pytest.raises(ExplainFailed, match=words):
                await explain(request, admin, failures=failures)
            seen = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgscope'"
            ).fetchone()
            assert seen == (0,)


async def test_what_was_mended_meanwhile_is_planned(admin: Target) -> None:
    failures = Failures(seconds=0.0)
    request = ExplainRequest("SELECT * FROM app.late", search_path="app")
    with pytest.raises(ExplainFailed, match="does not exist"):
        await explain(request, admin, failures=failures)
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE app.late ()")
        try:
            await explain(request, admin, failures=failures)
        finally:
            connection.execute("DROP TABLE app.late")


async def test_the_place_of_an_error_is_that_in_the_text_asked_about(admin: Target) -> None:
    text = "SELECT date $1, interval $2, nowhere.x FROM app.orders WHERE id IN ($3 /*, ... */)"
    with pytest.raises(ExplainFailed) as caught:
        await explain(ExplainRequest(text), admin)
    assert caught.value.position == text.index("nowhere")


@pytest.mark.parametrize(
    "text,spelled",
    [
        ("SELECT interval $1", "SELECT CAST($1 AS interval)"),
        ("SELECT interval $1 day to second", "SELECT CAST($1 AS interval day to second)"),
        ("SELECT interval(3) $1, $2::date", "SELECT CAST($1 AS interval(3)), $2::date"),
        ("SELECT 'é', double precision $1", "SELECT 'é', CAST($1 AS double precision)"),
        ("SELECT extract($1 from x) FROM t", 'SELECT pg_catalog."extract"($1 , x) FROM t'),
        ("SELECT extract(day from x) FROM t WHERE a=$1", "SELECT extract(day from x) FROM t WHERE a=$1"),
        (
            "SELECT 1 FROM t WHERE a IN ($1 /*, ... */) AND b=$2",
            "SELECT 1 FROM t WHERE a IN ($1 , $3, $4) AND b=$2",
        ),
        ("SELECT 'date $1' /* interval $2 */, $1", "SELECT 'date $1' /* interval $2 */, $1"),
    ],
)
def test_how_texts_are_spelled_out(text: str, spelled: str) -> None:
    found = rewrite(read(text), 3)
    assert found.text == spelled


async def test_values_are_given_or_picked_or_asked_for(reader: Target) -> None:
    text = "SELECT * FROM orders WHERE status = $1 AND customer = $2 AND made > $3 LIMIT $4"
    request = ExplainRequest(text, user="app_owner")
    offered = await offer(request, reader)
    assert offered.parameters == (1, 2, 3, 4)
    assert offered.choices[1][Pick.COMMON].value == "paid"
    assert "90" in offered.choices[1][Pick.COMMON].source
    assert offered.choices[1][Pick.RARE].value == "open"
    assert "customer" in offered.choices[2][Pick.TYPICAL].source
    assert offered.obstacles == ()
    with pytest.raises(Refused, match=r"no value for \$1, \$2, \$3, \$4"):
        await explain(ExplainRequest(text, user="app_owner", analyze=True), reader)
    picked = await explain(
        ExplainRequest(text, user="app_owner", analyze=True, pick=Pick.COMMON, values={2: "7"}), reader
    )
    assert not picked.generic
    assert {n: origin.value for n, origin in picked.parameters.items()}[1] == "paid"
    assert picked.parameters[2].source == "given"
    assert picked.parameters[4].value == "10"
    with pytest.raises(Refused, match=r"no \$9"):
        await explain(ExplainRequest(text, values={9: "x"}), reader)
    listed = await explain(
        ExplainRequest(
            "SELECT * FROM orders WHERE id IN ($1 /*, ... */)",
            user="app_owner",
            analyze=True,
            values={1: ("3", "4", "5")},
        ),
        reader,
    )
    assert isinstance(listed.document, list)
    assert listed.document[0]["Plan"]["Actual Rows"] == 3


async def test_values_are_picked_for_what_they_are_compared_with(admin: Target, reader: Target) -> None:
    """An array takes several; an element of an array, a key of a document or an addend none of the column's."""
    for text, sizes in (
        ("SELECT * FROM orders WHERE customer = ANY ($1)", [10]),
        ("SELECT * FROM orders WHERE status <> ALL ($1)", [2]),
        ("SELECT * FROM orders WHERE status IN ($1, $2)", [1, 1]),
    ):
        for pick in Pick:
            found = await explain(ExplainRequest(text, user="app_owner", analyze=True, pick=pick), reader)
            values = [found.parameters[number].value or "" for number in range(1, len(sizes) + 1)]
            assert [value.count(",") + 1 for value in values] == sizes
            assert len(set(values)) == len(values)
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE app.odd (tags text[], data jsonb, n int)")
        connection.execute(
            "INSERT INTO app.odd SELECT ARRAY['a\"b\\', 'c'], '{\"a\": 1}', 1 FROM generate_series(1, 100)"
        )
        connection.execute("ANALYZE app.odd")
        try:
            for condition in ("$1 = ANY (tags)", "data ->> $1 = 'x'", "n + $1 = 3"):
                text = f"SELECT * FROM app.odd WHERE {condition}"
                assert (await offer(ExplainRequest(text), admin)).choices == {}
            offered = await offer(ExplainRequest("SELECT * FROM app.odd WHERE tags @> $1"), admin)
            assert offered.choices[1][Pick.COMMON].value == r'{"a\"b\\",c}'
        finally:
            connection.execute("DROP TABLE app.odd")


async def test_a_value_is_a_value_whatever_it_holds(reader: Target) -> None:
    text = "SELECT * FROM orders WHERE status = $1"
    for value in ("'); DELETE FROM app.orders; --", "\\'", "é", "$1", "{}", "%s", None):
        result = await explain(
            ExplainRequest(text, user="app_owner", analyze=True, values={1: value}), reader
        )
        assert isinstance(result.document, list)
        assert result.document[0]["Plan"]["Actual Rows"] == 0


TYPED = (
    ("SELECT * FROM orders WHERE id = $1", ["smallint"]),
    ("SELECT * FROM orders WHERE id = $1 AND customer > $2", ["smallint", "bigint"]),
    ("SELECT * FROM orders WHERE id = $1", ["numeric"]),
    ("SELECT * FROM orders WHERE id = ANY ($1)", ["smallint[]"]),
    ("SELECT * FROM orders WHERE status = $1 AND id = $2", ["character varying", "integer"]),
)


@pytest.mark.parametrize(("text", "types"), TYPED, ids=[" ".join(types) for _, types in TYPED])
async def test_parameters_have_the_types_that_the_program_sent(
    admin: Target, text: str, types: list[str]
) -> None:
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute("SET search_path = app, public")
        connection.execute("SELECT pg_stat_statements_reset()")
        declared = sql.SQL(", ").join(map(sql.SQL, types))
        connection.execute(sql.SQL("PREPARE program ({}) AS {}").format(declared, sql.SQL(text)))
        nulls = sql.SQL(", ").join([sql.NULL] * len(types))
        connection.execute(sql.SQL("EXECUTE program ({})").format(nulls))
        row = connection.execute(
            "SELECT queryid FROM pg_stat_statements WHERE query LIKE '%FROM orders%'"
        ).fetchone()
    assert row is not None
    request = ExplainRequest(text, queryid=row[0], search_path="app, public")
    result = await explain(request, admin)
    assert result.same_statement is True and result.generic
    (said,) = [note for note in result.notes if "types that the program sends" in note]
    assert types[0] in said
    numeric = types == ["numeric"]
    assert ("::numeric" in str(result.document)) == numeric, "another type, another plan"
    # The values are still known by the columns, and a value that is too large for the type is planned too.
    found = await offer(request, admin)
    assert Pick.COMMON in found.choices[1] or text.startswith("SELECT * FROM orders WHERE id = ANY")
    if types == ["smallint"]:
        large = await explain(replace(request, values={1: "100000"}), admin)
        assert not any("types that the program sends" in note for note in large.notes)


MIXED: tuple[tuple[bytes, list[int]], ...] = (
    (b"SELECT id FROM orders WHERE made >= now() - %s * interval '1 day' ORDER BY id LIMIT 50", [60]),
    (b"SELECT id FROM orders WHERE customer = %s AND status = 'open' AND total > 3 LIMIT 5", [7]),
    (b"SELECT id FROM orders WHERE customer = 7 AND status = 'open' LIMIT 5", []),
)


@pytest.mark.parametrize(("text", "values"), MIXED, ids=["interval", "numbers", "constants"])
async def test_constants_beside_parameters_are_told_apart(
    admin: Target, text: bytes, values: list[int]
) -> None:
    """A program sends some values as parameters and has others in its text; both are $n in what is kept."""
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute("SET search_path = app, public")
        connection.execute("SELECT pg_stat_statements_reset()")
        connection.execute(text, values)
        row = connection.execute(
            "SELECT queryid, query FROM pg_stat_statements WHERE query LIKE '%FROM orders%'"
        ).fetchone()
    assert row is not None
    result = await explain(ExplainRequest(row[1], queryid=row[0], search_path="app, public"), admin)
    assert result.same_statement is True
