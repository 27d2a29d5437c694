"""Statements made to get something run: none may change anything, whether planned or run by whomever."""

# ruff: noqa: E501
from __future__ import annotations

import dataclasses

import psycopg
import pytest

from pgscope.server.conninfo import Target
from pgscope.server.explain import ExplainFailed, ExplainRequest, Refused, explain
from tests.explain.conftest import state

ATTACKS = (
    # More than one statement, and comments that hide one.
    "SELECT 1; DELETE FROM app.log",
    "SELECT 1; INSERT INTO app.log (note) VALUES ('x'); --",
    "SELECT 1 /* ; */; /* */ INSERT INTO app.log (note) VALUES ('x')",
    "SELECT '1'';'; COMMIT; INSERT INTO app.log (note) VALUES ('x'); SELECT '",
    r"SELECT '\'; INSERT INTO app.log (note) VALUES (1::text); --'",
    "SELECT $$a$$; DROP TABLE app.orders; SELECT $$b$$",
    "; ; INSERT INTO app.log (note) VALUES ('x'); SELECT 1",
    "SELECT 1) TO STDOUT; INSERT INTO app.log (note) VALUES ('x'); --",
    # Utility statements.
    "CREATE TABLE app.made AS SELECT 1 AS x",
    "CREATE MATERIALIZED VIEW app.made AS SELECT 1 AS x",
    "SELECT 1 AS x INTO app.made",
    "EXPLAIN ANALYZE INSERT INTO app.log (note) VALUES ('x')",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/pgscope_was_here'",
    "DO $$ BEGIN PERFORM trap.innocent('do'); END $$",
    "CALL trap.innocent('x')",
    "PREPARE pgscope_explain AS DELETE FROM app.log",
    "EXECUTE pgscope_explain",
    "DECLARE c CURSOR WITH HOLD FOR SELECT trap.innocent('cursor')",
    "SET SESSION AUTHORIZATION postgres",
    "COMMIT",
    "REFRESH MATERIALIZED VIEW app.made",
    # Writes.
    "INSERT INTO app.log (note) VALUES ('x')",
    "UPDATE app.orders SET total = 0",
    "DELETE FROM app.orders",
    "WITH d AS (DELETE FROM app.orders RETURNING *) SELECT count(*) FROM d",
    "WITH a AS (WITH b AS (INSERT INTO app.log (note) VALUES ('x') RETURNING *) SELECT * FROM b) SELECT * FROM a",
    "SELECT * FROM app.orders FOR UPDATE",
    "SELECT * FROM (SELECT * FROM app.orders FOR NO KEY UPDATE SKIP LOCKED) x",
    # Functions by name.
    "SELECT nextval('app.numbers')",
    "SELECT setval('app.numbers', 77)",
    "SELECT pg_advisory_lock(42)",
    "SELECT pg_try_advisory_lock(42) FROM app.orders LIMIT 1",
    "SELECT set_config('search_path', 'trap', false)",
    "SELECT pg_stat_reset()",
    "SELECT pg_cancel_backend(pid), pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_create_physical_replication_slot('pgscope_slot')",
    "SELECT query_to_xml('SELECT trap.innocent(''xml'')', true, true, '')",
    "SELECT * FROM ts_stat('SELECT to_tsvector(trap.innocent(''ts'')::text)')",
    "SELECT table_to_xml('app.hidden', true, true, '')",
    "SELECT pg_current_xact_id()",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_catalog . pg_sleep ( 0.01 )",
    "SELECT \"nextval\"('app.numbers')",
    "SELECT U&\"next\\0076al\"('app.numbers')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT dblink_exec('dbname=' || current_database(), 'DELETE FROM app.log')",
    "SELECT * FROM dblink('dbname=pgscope_explain', 'INSERT INTO app.log (note) VALUES (1) RETURNING id') AS t (id int)",
    "SELECT dblink_send_query('x', 'DELETE FROM app.log')",
    "SELECT lo_import('PG_VERSION')",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_replication_origin_create('pgscope')",
    "SELECT pg_export_snapshot()",
    "SELECT pg_switch_wal(), pg_reload_conf(), pg_rotate_logfile()",
    "SELECT database_to_xml(true, true, '')",
    "SELECT query_to_xmlschema('SELECT trap.innocent(''xml'')', true, true, '')",
    "SELECT pg_ls_dir('.')",
    "SELECT * FROM json_populate_record(NULL::app.orders, '{}') r WHERE r.of_row = 1",
    "SELECT pg_advisory_xact_lock_shared(1, 2) FROM generate_series(1, 3)",
    "SELECT /* ordinary */ pg_catalog.set_config('session_replication_role', 'replica', false) AS \"1\"",
    # User-defined functions, by their names and by other ways.
    "SELECT trap.innocent('name')",
    "SELECT * FROM trap.innocent('from')",
    "SELECT * FROM app.orders WHERE id = trap.innocent('where')",
    "SELECT id FROM app.orders ORDER BY trap.innocent(status)",
    "SELECT 1 FROM app.orders GROUP BY customer HAVING trap.innocent('having') = 1",
    "SELECT * FROM app.orders LIMIT trap.innocent('limit')",
    "SELECT o.of_row FROM app.orders o",
    "SELECT (o).of_row FROM app.orders o",
    "SELECT ('attribute'::text).innocent",
    "SELECT (1).innocent",
    "SELECT lower(status) FROM app.orders",
    "SELECT 3 === 4",
    "SELECT * FROM app.orders WHERE id OPERATOR(trap.===) 3",
    "SELECT total(id) FROM app.orders",
    "SELECT trap.total(id) OVER (ORDER BY id) FROM app.orders",
    "SELECT 5::trap.positive",
    "SELECT CAST('5' AS trap.more_positive)",
    "SELECT trap.positive '5'",
    "SELECT positive('5')",
    "SELECT 5::trap.cents",
    "SELECT ARRAY[5]::trap.positive[]",
    "SELECT * FROM app.hidden",
    "SELECT id FROM app.hidden_deeper WHERE x = 1",
    "SELECT * FROM app.numbered",
    "SELECT * FROM app.napping",
    "SELECT * FROM app.by_operator",
    "SELECT * FROM app.by_row",
    "TABLE app.hidden",
    "SELECT * FROM app.guarded",
    "SELECT * FROM app.indexed WHERE id = 3",
    "SELECT * FROM app.checked WHERE id = 3",
    "SELECT * FROM app.parent",
    "SELECT * FROM app.pairs ORDER BY p",
    "SELECT ROW(ROW(id, id))::trap.nested FROM app.orders GROUP BY 1",
    "SELECT * FROM app.by_class WHERE n > 3",
    "SELECT * FROM app.divided WHERE n < 3",
    "INSERT INTO app.defaulted (id) VALUES (1)",
    "INSERT INTO app.ruled VALUES (1)",
    "VALUES (trap.innocent('values'))",
    "SELECT (SELECT trap.innocent('deep') FROM (SELECT 1) x WHERE EXISTS (SELECT trap.innocent('deeper')))",
    "SELECT * FROM app.command",
    "SELECT * FROM json_to_recordset('[{\"a\": 5}]') AS x (a trap.positive)",
)
SHADOWED = (
    "SELECT * FROM app.orders WHERE id = 3",
    "SELECT CASE id WHEN 3 THEN 1 END FROM app.orders",
    "SELECT * FROM app.orders a JOIN app.orders b USING (id)",
)
"""Those that call the operator of another schema only where that is in the path, and comes first."""
HARMLESS_PLANS = 40
"""At least so many of these may not even be planned without consent."""


async def outcome(request: ExplainRequest, server: Target) -> str:
    try:
        await explain(request, server)
    except Refused as error:
        assert error.reason
        return "refused"
    except ExplainFailed as error:
        assert str(error)
        return f"failed: {error}"
    return "done"


async def test_no_attack_changes_anything(admin: Target, reader: Target) -> None:
    """Planned by a reader, and run by a superuser who allows all there is to allow, with the traps first in the path.

    Every run is refused: not for want of rights, and not because the server fails at it.
    """
    before = state(admin)
    planned, run = {}, {}
    for text in (*ATTACKS, *SHADOWED):
        path = "trap, app, public, pg_catalog"
        path = f"shadow, {path}" if text in SHADOWED else path
        plain = ExplainRequest(text, search_path=path, timeout_ms=5000)
        everything = dataclasses.replace(
            plain, analyze=True, allow_functions=True, allow_superuser_analyze=True
        )
        planned[text] = await outcome(plain, reader)
        run[text] = await outcome(everything, admin)
    assert state(admin) == before
    assert {text: word for text, word in run.items() if word != "refused"} == {}
    assert sum(word == "refused" for word in planned.values()) >= HARMLESS_PLANS


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM orders WHERE customer = 5 AND status = 'open'",
        "SELECT lower(status), count(*), max(made) FROM orders GROUP BY 1 HAVING count(*) > 2 ORDER BY 2 DESC LIMIT 3",
        "SELECT date_trunc('month', made), sum(total) FROM orders GROUP BY 1",
        "WITH c AS (SELECT customer, row_number() OVER (PARTITION BY status ORDER BY made) r FROM orders)"
        " SELECT * FROM c WHERE r < 3",
        "SELECT * FROM plain WHERE id IN (1, 2, 3)",
        "SELECT * FROM orders WHERE email = 'U5'",
        "SELECT digest(status, 'sha256') FROM orders LIMIT 1",
        "SELECT o.status, (o).total, extract(year FROM o.made) FROM orders o WHERE o.made > now() - interval '1 year'",
        "SELECT * FROM orders a JOIN orders b USING (id) WHERE a.id BETWEEN 5 AND 9 OR a.status LIKE 'o%'",
        "SELECT json_build_object('a', id), array_agg(customer) FROM orders GROUP BY id LIMIT 2",
        "SELECT * FROM generate_series(1, 3) g, unnest(ARRAY[1, 2]) u",
        "SELECT count(*) FROM pg_class, pg_stat_activity",
    ],
)
async def test_ordinary_statements_pass(reader: Target, text: str) -> None:
    result = await explain(ExplainRequest(text, user="app_owner", analyze=True), reader)
    assert result.analyzed
    assert result.role == "app_owner"
    assert not result.notes


@pytest.mark.parametrize(
    "text,words,place",
    [
        ("SELECT 1; DELETE FROM app.log", "2 statements", "DELETE"),
        ("SELECT id, nextval('app.numbers') FROM app.orders", "nextval", "nextval"),
        ("SELECT id FROM app.orders FOR UPDATE", "FOR UPDATE", "FOR UPDATE"),
        ("WITH d AS (DELETE FROM app.orders RETURNING *) SELECT * FROM d", "DELETE", "app.orders"),
        ("SELECT * FROM app.numbered", "behind view app.numbered", "app.numbered"),
        ("SELECT * FROM app.hidden_deeper", "behind view app.hidden", "app.hidden_deeper"),
        ("SELECT * FROM app.guarded", "behind a policy of app.guarded", "app.guarded"),
        ("SELECT 5::trap.positive", "the check of domain positive", "trap.positive"),
        ("SELECT 1, 3 OPERATOR(trap.===) 4", "behind operator ===", "OPERATOR"),
        ("SELECT 1, 'é', trap.innocent('x')", "user-defined function trap.innocent", "trap.innocent"),
        ("CREATE TABLE x AS SELECT 1", "CREATE TABLE AS", "CREATE"),
        ("SELECT selec FROM", "does not parse", None),
    ],
)
async def test_a_refusal_names_the_reason_and_the_place(
    reader: Target, text: str, words: str, place: str | None
) -> None:
    with pytest.raises(Refused) as caught:
        await explain(ExplainRequest(text, analyze=True), reader)
    assert any(words in obstacle.reason for obstacle in caught.value.obstacles), caught.value.obstacles
    if place is not None:
        places = [obstacle.position for obstacle in caught.value.obstacles if words in obstacle.reason]
        assert text.index(place) in places


async def test_planning_asks_before_it_calls_a_user_defined_function(admin: Target, reader: Target) -> None:
    text = "SELECT * FROM app.orders WHERE id = trap.innocent('plan')"
    before = state(admin)
    with pytest.raises(Refused, match="--allow-functions"):
        await explain(ExplainRequest(text), reader)
    assert state(admin) == before
    # With consent it is planned, and READ ONLY stops what the function would write.
    with pytest.raises(ExplainFailed, match="read-only"):
        await explain(ExplainRequest(text, allow_functions=True), reader)
    assert state(admin) == before


async def test_a_truncated_text_is_refused(reader: Target) -> None:
    text = "SELECT * FROM app.orders WHERE status = '" + "x" * 2000 + "'"
    for limit, cut in ((1024, text[:1023]), (1024, text[:1021] + "é")):
        with pytest.raises(Refused, match="cut off"):
            await explain(ExplainRequest(cut, text_limit=limit), reader)
    await explain(ExplainRequest("SELECT 1", text_limit=1024), reader)


def test_the_traps_work(admin: Target) -> None:
    """Without guards the database of traps does change: otherwise the tests above would prove nothing."""
    before = state(admin)
    with psycopg.connect(admin.conninfo(), autocommit=True) as connection:
        connection.execute("EXPLAIN SELECT * FROM app.orders WHERE id = trap.innocent('unguarded')")
        assert state(admin) != before
        connection.execute("TRUNCATE app.log RESTART IDENTITY")
