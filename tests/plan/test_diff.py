"""Two plans of one statement, made by a real server before and after an index, compared and shown."""

from __future__ import annotations

import re

import psycopg
import pytest

from pgscope.analysis.plan import Plan, parse
from pgscope.analysis.plan.diff import compare
from pgscope.analysis.plan.tips import tips
from pgscope.report.plan_text import render
from pgscope.tui.glyphs import UNICODE
from pgscope.tui.rows.plan import columns, rows
from pgscope.tui.table import Cell

LOOKUP = "SELECT * FROM wide WHERE code = 'c4ca4238a0b923820dcc509a6f75849b'"


def plan_of(connection: psycopg.Connection, statement: bytes) -> Plan:
    row = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) " + statement).fetchone()
    assert row is not None
    return parse(row[0])


@pytest.fixture
def pair(plans_on: str) -> tuple[Plan, Plan]:
    """The look-up by an index, and without one."""
    with psycopg.connect(plans_on) as connection:
        after = plan_of(connection, LOOKUP.encode())
        connection.execute("CREATE INDEX wide_code ON wide (code)")
        before = plan_of(connection, LOOKUP.encode())
        connection.rollback()
    return before, after


def test_the_line_says_what_changed(pair: tuple[Plan, Plan]) -> None:
    before, after = pair
    diff = compare(before, after)
    found = re.fullmatch(r"plan changed: Index Scan to Seq Scan, (\d+) to (\d+) blocks", diff.summary)
    assert found, diff.summary
    assert int(found.group(1)) == before.root.inclusive.blocks < 10
    assert int(found.group(2)) == after.root.inclusive.blocks > 300
    assert not diff.same_shape
    figures = {figure.name: figure for figure in diff.figures}
    assert figures["rows"].before == figures["rows"].after == 1
    assert figures["cost"].before != figures["cost"].after


def test_the_same_plan_is_the_same(pair: tuple[Plan, Plan]) -> None:
    before, _ = pair
    diff = compare(before, before)
    assert diff.same_shape
    assert diff.summary.startswith("same plan")
    assert len(diff.pairs) == len(before.nodes)


def test_other_joins_are_told(plans_on: str) -> None:
    statement = b"SELECT count(*) FROM narrow n JOIN wide w ON w.id = n.wide_id"
    with psycopg.connect(plans_on) as connection:
        before = plan_of(connection, statement)
        connection.execute("SET LOCAL enable_hashjoin = off")
        after = plan_of(connection, statement)
    diff = compare(before, after)
    assert diff.summary.startswith("plan changed: ")
    assert any(pair.changed for pair in diff.pairs)


@pytest.mark.parametrize("width", [60, 80, 132, 200])
def test_the_text_fits_its_width(pair: tuple[Plan, Plan], width: int) -> None:
    _, after = pair
    text = render(after, width, tips(after))
    assert max(map(len, text.splitlines())) <= width
    assert "Seq Scan on wide" in text
    assert "CREATE INDEX CONCURRENTLY" in text
    assert "19,999 rows removed by filter" in text


def test_what_is_removed_is_counted_over_all_loops_as_rows_are(plans_on: str) -> None:
    statement = (
        b"SELECT * FROM (SELECT id FROM narrow WHERE id <= 10) n CROSS JOIN LATERAL"
        b" (SELECT id FROM journal WHERE journal.id % 100 = n.id OFFSET 0) j ORDER BY j.id"
    )
    with psycopg.connect(plans_on) as connection:
        plan = plan_of(connection, statement)
    (scan,) = [node for node in plan.nodes if node.relation == "journal"]
    assert (scan.rows_total, scan.loops) == (50, 10)
    text = render(plan)
    assert "4,950 rows removed by filter" in text
    assert re.search(r"quicksort, \d+ kB memory", text)


def test_workers_that_ran_ahead_of_their_gather_are_told() -> None:
    """They work on while the leader does something else, so that their time is more than its own."""
    scan = {"Node Type": "Seq Scan", "Actual Loops": 2, "Actual Total Time": 32.0, "Actual Rows": 5}
    gather = {"Node Type": "Gather", "Actual Loops": 1, "Actual Total Time": 24.0, "Actual Rows": 10}
    plan = parse({"Plan": {**gather, "Plans": [{**scan, "Parent Relationship": "Outer"}]}})
    assert "beside the rest: 8.00 ms, in which workers ran ahead" in render(plan)
    alone = {**scan, "Actual Loops": 1, "Parent Relationship": "Outer"}
    assert "unattributed: 0 blocks, -8.00 ms" in render(parse({"Plan": {**gather, "Plans": [alone]}}))


def test_a_plan_that_was_not_run_shows_its_costs(plans_on: str) -> None:
    with psycopg.connect(plans_on) as connection:
        row = connection.execute(b"EXPLAIN (VERBOSE, FORMAT JSON) " + LOOKUP.encode()).fetchone()
    assert row is not None
    plan = parse(row[0])
    assert tips(plan) == ()
    assert plan.heaviest_by_time() is None
    heaviest = plan.heaviest_by_cost()
    assert heaviest is not None and heaviest.node_type == "Seq Scan"
    assert "own cost" in render(plan, 80)


@pytest.mark.parametrize(
    "statement",
    [
        b"SELECT * FROM wide LIMIT 10",
        b"SELECT * FROM narrow n JOIN wide w ON w.grp = n.tag LIMIT 10",
        b"SELECT * FROM (SELECT * FROM wide LIMIT 5) w, (SELECT * FROM narrow LIMIT 3) n",
    ],
)
def test_no_node_costs_more_than_the_whole_under_a_limit(plans_on: str, statement: bytes) -> None:
    with psycopg.connect(plans_on) as connection:
        row = connection.execute(b"EXPLAIN (FORMAT JSON) " + statement).fetchone()
    assert row is not None
    plan = parse(row[0])
    assert any(node.total_cost > 2 * plan.root.total_cost for node in plan.nodes)
    assert sum(plan.own_cost(node) for node in plan.nodes) == pytest.approx(plan.root.total_cost)
    place = [column.key for column in columns(plan)].index("cost%")
    shares = [
        int(str(cell.text).rstrip("%") or 0)
        for row in rows(plan, (), {}, UNICODE)
        if callable(row.cells) and isinstance(cell := row.cells()[place], Cell)
    ]
    assert len(shares) == len(plan.nodes)
    assert max(shares) <= 100
    assert 95 <= sum(shares) <= 105
