"""Shapes of statements, and the statements that replace loops."""

from __future__ import annotations

import pytest

from pgscope.analysis.findings.batch import batched, batched_write
from pgscope.analysis.shape import UNKNOWN, Column, Relation, shape_of

CHOICE = Relation("", "choice")


@pytest.mark.parametrize(
    ("text", "looks_up", "lists_rows", "writes_one"),
    [
        ("SELECT id, name FROM author WHERE id = $1", True, True, False),
        ('SELECT "a"."id" FROM "author" "a" WHERE "a"."id" = $1 LIMIT $2', True, True, False),
        ("SELECT count(*) FROM choice WHERE question_id = $1", True, False, False),
        ("SELECT a, count(*) FROM choice GROUP BY a", False, True, False),
        ("SELECT * FROM choice WHERE question_id IN ($1, $2)", False, True, False),
        ("SELECT * FROM choice WHERE question_id IN ($1 /*, ... */)", False, True, False),
        ("SELECT * FROM choice WHERE question_id = ANY($1)", False, True, False),
        ("SELECT * FROM job WHERE id = $1 FOR UPDATE SKIP LOCKED", False, False, False),
        ("SELECT * FROM a WHERE x > $1", False, True, False),
        ("SELECT * FROM a WHERE x = $1 OR y = $2", False, True, False),
        ("INSERT INTO a (x) VALUES ($1)", False, False, True),
        ("INSERT INTO a (x) VALUES ($1), ($2)", False, False, False),
        ("INSERT INTO a (x) SELECT * FROM unnest($1)", False, False, False),
        ("UPDATE a SET x = $1 WHERE id = $2", False, False, True),
        ("UPDATE a SET x = $1 WHERE id = ANY($2)", False, False, False),
        ("DELETE FROM a WHERE id = $1", False, False, True),
        ("DELETE FROM a", False, False, False),
        ("BEGIN", False, False, False),
    ],
)
def test_what_it_does(text: str, looks_up: bool, lists_rows: bool, writes_one: bool) -> None:
    shape = shape_of(text)
    assert (shape.looks_up, shape.lists_rows, shape.writes_one) == (looks_up, lists_rows, writes_one)


def test_columns_of_joins_and_either_side() -> None:
    shape = shape_of(
        "SELECT tag.id, tag.name FROM tag, choice c WHERE $1::INTEGER = c.question_id AND tag.id = c.tag"
    )
    assert shape.equalities == (Column(CHOICE, "question_id"),)
    assert shape.whole_row
    shape = shape_of("SELECT * FROM a JOIN choice c ON a.id = c.a AND c.kind = $1 WHERE a.x = $2")
    assert set(shape.equalities) == {Column(CHOICE, "kind"), Column(Relation("", "a"), "x")}


def test_a_list_is_not_a_look_up() -> None:
    text = "SELECT id FROM choice WHERE kind = $1 AND question_id "
    one, two, many, any_of = (
        shape_of(text + end).fingerprint for end in ("= $2", "IN ($2)", "IN ($2, $3, $4)", "= ANY($2)")
    )
    assert two == many == any_of != one
    assert shape_of("SELECT id FROM choice WHERE kind IN ($1) AND question_id = $2").fingerprint not in (
        one,
        two,
    )


def test_tables_of_subselects_and_ctes() -> None:
    text = "WITH w AS (SELECT * FROM s.one) SELECT * FROM (SELECT * FROM two LIMIT $1) x JOIN w ON true"
    assert {relation.table for relation in shape_of(text).relations} >= {"one", "two"}


def test_schema_decides_where_it_is_given() -> None:
    assert Relation("", "choice").matches("shop", "choice")
    assert Relation("shop", "choice").matches("shop", "choice")
    assert not Relation("old", "choice").matches("shop", "choice")


@pytest.mark.parametrize(
    "text", ["", "selec 1", "select 1; select 2", "select '", "\x00", "\ud800", "(" * 50_000, "x" * 100_000]
)
def test_what_does_not_parse_is_unknown(text: str) -> None:
    shape = shape_of(text)
    assert shape is UNKNOWN
    assert not (shape.looks_up or shape.lists_rows or shape.writes_one)


def test_whole_rows_and_limits() -> None:
    assert shape_of("SELECT * FROM a").whole_row
    assert shape_of("SELECT a.x, a.y FROM a").whole_row
    assert not shape_of("SELECT a.x FROM a").whole_row
    assert not shape_of("SELECT a.x, lower(a.y) FROM a").whole_row
    assert shape_of("SELECT * FROM a LIMIT $1").limited
    assert shape_of("SELECT a.x, (SELECT count(*) FROM b) FROM a").aggregate is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT x FROM c WHERE q = $1", "SELECT x, q FROM c WHERE q = ANY($1)"),
        (
            "SELECT x AS q FROM c WHERE q = $1 ORDER BY 1",
            "SELECT x AS q, q FROM c WHERE q = ANY($1) ORDER BY 1",
        ),
        ("SELECT * FROM c WHERE q = $1", "SELECT * FROM c WHERE q = ANY($1)"),
        ("SELECT c.q, x FROM c WHERE c.q = $1", "SELECT c.q, x FROM c WHERE c.q = ANY($1)"),
        ("SELECT FROM c WHERE q = $1", "SELECT q FROM c WHERE q = ANY($1)"),
        (
            "SELECT d.q FROM c JOIN d USING (k) WHERE c.q = $1",
            "SELECT d.q, c.q FROM c INNER JOIN d USING (k) WHERE c.q = ANY($1)",
        ),
        (
            "SELECT count(*) FROM c WHERE q = $1 LIMIT $2",
            "SELECT count(*), q FROM c WHERE q = ANY($1) GROUP BY q",
        ),
        (
            "SELECT k, count(*) FROM c WHERE q = $1 GROUP BY k",
            "SELECT k, count(*), q FROM c WHERE q = ANY($1) GROUP BY q, k",
        ),
        (
            "SELECT DISTINCT ON (x) x, y FROM c WHERE q = $1",
            "SELECT wanted.key, found.* FROM unnest($1) AS wanted (key) "
            "CROSS JOIN LATERAL ( SELECT DISTINCT ON (x) x, y FROM c WHERE q = wanted.key ) AS found",
        ),
        (
            "SELECT x, rank() OVER (ORDER BY x) FROM c WHERE q = $1",
            "SELECT wanted.key, found.* FROM unnest($1) AS wanted (key) "
            "CROSS JOIN LATERAL ( SELECT x, rank() OVER (ORDER BY x) FROM c WHERE q = wanted.key ) AS found",
        ),
        ("SELECT DISTINCT x FROM c WHERE q = $1", "SELECT DISTINCT x, q FROM c WHERE q = ANY($1)"),
        (
            "SELECT 1 AS a FROM c WHERE q = $1 LIMIT 1",
            "SELECT wanted.key, found.* FROM unnest($1) AS wanted (key) "
            "CROSS JOIN LATERAL ( SELECT 1 AS a FROM c WHERE q = wanted.key LIMIT 1 ) AS found",
        ),
    ],
)
def test_a_replacement_says_whose_each_row_is(text: str, expected: str) -> None:
    assert " ".join(batched(text, "q").split()).replace(" ,", ",") == expected


def test_replacements_parse_and_ask_for_many() -> None:
    rows = batched(
        "SELECT c.id, c.x FROM choice c WHERE c.question_id = $1::bigint AND c.y = $2", "question_id"
    )
    assert "question_id = ANY($1)" in rows
    counts = batched("SELECT count(*) AS n FROM choice WHERE question_id = $1", "question_id")
    assert shape_of(counts).grouped
    assert shape_of(counts).lists == (Column(CHOICE, "question_id"),)
    first = batched("SELECT id, x FROM choice WHERE question_id = $1 ORDER BY x LIMIT $2", "question_id")
    assert "LATERAL" in first
    one = batched("SELECT id, x FROM author WHERE id = $1 LIMIT $2", "id", unique=True)
    assert "LIMIT" not in one
    insert = batched_write("INSERT INTO a (x, y) VALUES ($1, $2) RETURNING id")
    for text in (rows, counts, first, one, insert):
        assert shape_of(text) is not UNKNOWN
    assert "unnest" in insert
    assert batched("UPDATE a SET x = 1", "x") == ""
    assert batched_write("INSERT INTO a SELECT 1") == ""
