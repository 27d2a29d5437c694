"""What is one statement to a reader has one fingerprint, and nothing makes fingerprinting fail."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.analysis.fingerprints import FingerprintBook, fingerprint, normalised, query_id_of, with_query_id
from pgscope.analysis.live_statements import LiveStatements
from pgscope.sample import Look, Poll, Session, Sighting, StatementKey


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select * from t where id = $1", "SELECT *\nFROM t WHERE id = 42"),
        ("select * from t where id in ($1, $2)", "select * from t where id in ($1, $2, $3, $4)"),
        ("select * from t where id in (1,2,3)", "select * from t where id in ($1 /*, ... */)"),
        ("select 1 /*route='a'*/", "/*route='b'*/ select 2"),
        # Cut off by track_activity_query_size.
        (
            "select * from t where id in (1, 2, 3) and name = 'ab",
            "select * from t where id in (7) and name = 'xyz",
        ),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)
    assert query_id_of(one) == query_id_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select * from t where id = $1", "select * from u where id = $1"),
        ("begin", "commit"),
        ("select * from t where id = $1", "select * from t where id in ($1, $2)"),
        ("select * from t where a = 'x", "select * from t where b = 'x"),
        ("", "nonsense of no sort"),
        ('select "A" from', 'select "a" from'),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


@given(st.text())
def test_never_fails(text: str) -> None:
    assert len(fingerprint(text)) == 16
    assert -(1 << 63) <= query_id_of(text) < 1 << 63
    assert normalised(text) is not None


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "select " + "(" * 5_000, "'" * 99_999, "/*" * 90_000, "$$" * 90_000, "\ud800", "a\x00b"],
    ids=["parentheses", "deep", "quotes", "comments", "dollars", "surrogate", "zero"],
)
def test_hostile_text_is_quick_and_safe(text: str) -> None:
    assert len(fingerprint(text)) == 16


def test_entries_of_one_statement(pg_database: str) -> None:
    """psycopg sends small integers as int2, larger ones as int4: two entries, one statement."""
    with psycopg.connect(pg_database, autocommit=True, prepare_threshold=0) as connection:
        connection.execute("create table t (id int primary key)")
        for number in (1, 70_000, 5_000_000_000):
            connection.execute("select id from t where id = %s", (number,))
        connection.execute("select id from t where id in (1, 2)")
        connection.execute("select id from t where id in (1, 2, 3)")
        rows = connection.execute(
            "select userid::int8, dbid::int8, queryid, toplevel, query from pg_stat_statements"
            " where dbid = (select oid from pg_database where datname = current_database())"
            " and query like 'select id from t where%'"
        ).fetchall()
    book = FingerprintBook()
    keys = [StatementKey(*row[:4]) for row in rows]
    book.learn({(key.dbid, key.queryid): row[4] for key, row in zip(keys, rows, strict=True)})
    one, lists = (
        [key for key, row in zip(keys, rows, strict=True) if word in row[4]] for word in (" = ", " in ")
    )
    assert len(one) == 3
    assert len({book.fingerprint(key) for key in one}) == 1
    assert len({book.fingerprint(key) for key in lists}) == 1
    assert book.fingerprint(one[0]) != book.fingerprint(lists[0])
    assert book.fingerprint(one[0]._replace(userid=1, toplevel=False)) == book.fingerprint(one[0])
    # Of another database the text is not known.
    assert book.fingerprint(one[0]._replace(dbid=1)) != book.fingerprint(one[0])


def session(pid: int, application: str, query: str, start: float, state: str = "active") -> Session:
    return Session(
        pid, 1.0, 5, "db", 10, "me", application, "", None, "client backend", None, state, "", "",
        None, start, start, None, None, None, query,
    )  # fmt: skip


def test_statements_from_sessions_alone() -> None:
    live = LiveStatements()
    live.feed(Poll(100.0, 1.0, (session(1, "a", "select 1", 99.0), session(2, "b", "select 7", 98.0))))
    live.feed(Poll(101.0, 2.0, (session(1, "a", "select 2", 100.5), session(2, "b", "select 7", 98.0))))
    a, b = sorted(live.statements, key=lambda one: one.key.application_name)
    assert a.key.statement == b.key.statement
    assert (a.executions, a.active, a.longest) == (2, 2, 1.0)
    assert (b.executions, b.active, b.longest) == (1, 2, 3.0)
    assert with_query_id(session(1, "a", "select 1", 1.0)).query_id == a.key.statement.queryid


def test_a_statement_that_is_still_being_parsed_is_no_other_one() -> None:
    """The server tells the query id a moment after the text; by its text it would be another statement."""
    live = LiveStatements()
    parsed = session(1, "a", "select 1", 99.9)._replace(query_id=77)
    live.feed(Poll(100.0, 1.0, (parsed,)))
    live.feed(Poll(101.0, 2.0, (session(1, "a", "select 2", 100.9999),)))
    live.feed(Poll(102.0, 3.0, (parsed._replace(query="select 2", query_start=100.9999),)))
    (one,) = live.statements
    assert (one.key.statement.queryid, one.executions) == (77, 2)


def test_only_so_many_are_kept() -> None:
    live = LiveStatements(most=20)
    for number in range(100):
        live.feed(Poll(100.0, 1.0, (session(1, "a", f"select x{number}", float(number)),)))
    assert len(live.statements) <= 20


def test_sessions_that_looks_alone_saw_are_forgotten() -> None:
    """A connection for each request, where nothing counts statements: they come and go between two polls."""
    one = LiveStatements()
    pid = 0
    for second in range(200):
        one.feed(Poll(float(second), float(second), ()))
        for _ in range(50):
            pid += 1
            at = second + 0.5
            seen = Sighting(pid, at, 1, 10, "app", "idle", "", 7, at, None, at)
            one.look(Look(at, at, (seen,)))
    assert len(one._last) < 2000
    (statement,) = one.statements
    assert statement.executions == 10_000
