"""Plans made by real servers: every one is read, and what its nodes cost alone adds up to the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.abc import Query

from pgscope.analysis.plan import Plan, parse
from pgscope.analysis.plan.amounts import BLOCK_FIELDS
from tests.plan.conftest import statements
from tests.plan.corpus import SHAPES, Shape

HERE = Path(__file__).parent
PGBENCH = (
    "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 77",
    "SELECT abalance FROM pgbench_accounts WHERE aid = 77",
    "UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 3",
    "UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1",
    "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (3, 1, 77, 1, CURRENT_TIMESTAMP)",
)


def explain(
    connection: psycopg.Connection, statement: str, settings: tuple[tuple[str, str], ...] = ()
) -> object:
    """EXPLAIN (ANALYZE) in a transaction that is rolled back; the JSON as psycopg decodes it."""
    query: Query = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, VERBOSE, SETTINGS, WAL, FORMAT JSON) {}").format(
        sql.SQL(statement)
    )
    with connection.transaction(force_rollback=True):
        for name, value in settings:
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        row = connection.execute(query).fetchone()
    assert row is not None
    result: object = row[0]
    return result


def times_add_up(plan: Plan) -> bool:
    """Within what the rounding of printed averages explains."""
    return abs(plan.unattributed.time) <= plan.time_resolution + 0.05 * plan.root.inclusive.time


def planned(
    connection: psycopg.Connection, statement: str, settings: tuple[tuple[str, str], ...] = ()
) -> Plan:
    """The plan of a run that nothing disturbed: a busy machine stops processes while their clocks run on."""
    for _ in range(9):
        plan = parse(explain(connection, statement, settings))
        if times_add_up(plan):
            return plan
    return parse(explain(connection, statement, settings))


def check_sums(plan: Plan) -> None:
    """Blocks to the last one, and times."""
    for field in BLOCK_FIELDS:
        assert getattr(plan.unattributed, field) == 0, (field, plan.unattributed, plan.outside)
    assert times_add_up(plan)


def check_places(connection: psycopg.Connection, plan: Plan) -> None:
    """Each block was visited where it can have been: no scan visits more than its table has, no join any.

    The server's own catalog look-ups happen anywhere: some tens of blocks
    in each process, with its cold caches.
    """
    rows = connection.execute(
        "SELECT relname, relpages FROM pg_class WHERE relkind = 'r' AND relpages > 0"
    ).fetchall()
    pages: dict[str, int] = dict(rows)
    for node in plan.nodes:
        if node.node_type == "Seq Scan":
            assert node.exclusive.shared <= pages[node.relation] * (node.loops or 0) + 30, node.label
        elif not node.relation and not node.index_name:
            processes = 3 if node.parallel else 1
            assert node.exclusive.shared <= 70 * processes, node.label


@pytest.fixture(scope="module")
def connection(plans_on: str) -> Iterator[psycopg.Connection]:
    """One connection for the module's statements on each major."""
    with psycopg.connect(plans_on, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_shapes_sum_to_the_root(connection: psycopg.Connection, shape: Shape) -> None:
    plan = planned(connection, shape.sql, shape.settings)
    seen = {node.node_type for node in plan.nodes} | {node.relationship for node in plan.nodes}
    assert set(shape.wants) <= seen
    check_sums(plan)
    check_places(connection, plan)
    if shape.name not in ("modifying CTE read in part", "modifying CTE not read"):
        assert plan.outside.blocks == 0
    else:
        assert plan.outside.blocks > 0


@pytest.mark.parametrize("title,text", statements(HERE / "tpch_queries.sql"), ids=lambda value: value[:12])
def test_tpch_is_planned_read_and_summed(connection: psycopg.Connection, title: str, text: str) -> None:
    plan = planned(connection, text)
    check_sums(plan)
    check_places(connection, plan)
    assert plan.outside.blocks == 0
    assert plan.root.inclusive.blocks > 0


@pytest.mark.parametrize("text", PGBENCH)
def test_pgbench_is_planned_read_and_summed(connection: psycopg.Connection, text: str) -> None:
    plan = planned(connection, text)
    check_sums(plan)
    assert plan.query_identifier is not None
