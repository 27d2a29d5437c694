"""Statements whose plans have every shape that makes exclusive figures hard: SQL by name, with settings."""

# ruff: noqa: E501

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """A statement to explain and analyse, what its plan must hold, and the settings that bring it about."""

    name: str
    sql: str
    wants: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()


PARALLEL = (
    ("max_parallel_workers_per_gather", "2"),
    ("parallel_setup_cost", "0"),
    ("parallel_tuple_cost", "0"),
    ("min_parallel_table_scan_size", "0"),
    ("min_parallel_index_scan_size", "0"),
)
NO_HASH = (("enable_hashjoin", "off"), ("enable_mergejoin", "off"))

SHAPES = (
    Shape("seq scan", "SELECT * FROM wide WHERE grp = 3", ("Seq Scan",)),
    Shape(
        "subplan",
        "SELECT id, (SELECT count(*) FROM narrow n WHERE n.tag = w.grp) FROM wide w LIMIT 20",
        ("SubPlan",),
    ),
    Shape("hashed subplan", "SELECT * FROM wide WHERE id NOT IN (SELECT wide_id FROM narrow)", ("SubPlan",)),
    Shape(
        "initplan",
        "SELECT * FROM wide WHERE grp > (SELECT avg(tag) * 10 FROM narrow) AND id < 5000",
        ("InitPlan",),
    ),
    Shape(
        "initplan of an initplan",
        "SELECT * FROM wide WHERE grp > (SELECT avg(tag) FROM narrow WHERE id > (SELECT max(id) - 3000 FROM tree))",
        ("InitPlan",),
    ),
    Shape(
        "initplans in output and one-time filter",
        "SELECT id, (SELECT max(tag) FROM narrow) FROM wide WHERE EXISTS (SELECT 1 FROM tree WHERE id > 5) AND grp < 4",
        ("InitPlan",),
    ),
    Shape(
        "initplan two joins below its parent",
        "SELECT * FROM narrow n JOIN wide w ON w.id = n.wide_id WHERE w.grp = (SELECT min(tag) FROM narrow) ORDER BY 1",
        ("InitPlan",),
    ),
    Shape(
        "initplan never needed",
        "SELECT * FROM wide WHERE id = -1 AND grp = (SELECT max(tag) FROM narrow)",
        ("InitPlan",),
    ),
    Shape(
        "CTE read twice",
        "WITH c AS MATERIALIZED (SELECT grp, count(*) n FROM wide GROUP BY grp) SELECT * FROM c a JOIN c b ON a.n = b.grp",
        ("CTE Scan",),
    ),
    Shape(
        "CTE read in parts by two scans",
        "WITH c AS MATERIALIZED (SELECT * FROM wide) (SELECT id FROM c LIMIT 5000) UNION ALL (SELECT id FROM c LIMIT 9000)",
        ("CTE Scan",),
    ),
    Shape(
        "CTE of a CTE",
        "WITH c AS MATERIALIZED (SELECT * FROM wide WHERE grp < 9), d AS MATERIALIZED (SELECT c.id FROM c, tree t"
        " WHERE t.id = c.grp) SELECT count(*) FROM d JOIN c USING (id)",
        ("CTE Scan",),
    ),
    Shape(
        "recursive CTE",
        "WITH RECURSIVE r AS (SELECT id, 1 d FROM tree WHERE parent IS NULL UNION ALL SELECT t.id, d + 1 FROM tree t"
        " JOIN r ON t.parent = r.id) SELECT d, count(*) FROM r GROUP BY d",
        ("Recursive Union", "WorkTable Scan"),
    ),
    Shape(
        "modifying CTE read whole",
        "WITH d AS (DELETE FROM journal WHERE id < 100 RETURNING *) SELECT count(*) FROM d",
        ("ModifyTable", "CTE Scan"),
    ),
    Shape(
        "modifying CTE read in part",
        "WITH d AS (UPDATE journal SET note = note || '.' RETURNING *) SELECT * FROM d LIMIT 3",
        ("ModifyTable", "CTE Scan"),
    ),
    Shape(
        "modifying CTE not read",
        "WITH d AS (UPDATE journal SET note = note || '.' WHERE id < 300) SELECT count(*) FROM tree",
        ("ModifyTable",),
    ),
    Shape("insert", "INSERT INTO journal SELECT 10000 + id, name FROM tree WHERE id < 300", ("ModifyTable",)),
    Shape("parallel scan", "SELECT count(*) FROM lineitem WHERE l_quantity < 9", ("Gather",), PARALLEL),
    Shape(
        "parallel with initplans",
        "SELECT *, (SELECT 7 FROM tree LIMIT 1) FROM wide WHERE grp > (SELECT avg(tag) FROM narrow) AND id % 3 = 0"
        " AND EXISTS (SELECT 1 FROM tree WHERE id = (SELECT max(id) FROM narrow) - 4999)",
        ("Gather", "InitPlan"),
        PARALLEL,
    ),
    Shape(
        "parallel hash join",
        "SELECT o_orderpriority, count(*) FROM orders JOIN lineitem ON l_orderkey = o_orderkey GROUP BY 1 ORDER BY 1",
        ("Hash Join",),
        (*PARALLEL, ("enable_mergejoin", "off"), ("enable_nestloop", "off")),
    ),
    Shape(
        "gather merge under a limit",
        "SELECT * FROM lineitem ORDER BY l_extendedprice, l_orderkey LIMIT 5",
        ("Gather Merge",),
        PARALLEL,
    ),
    Shape(
        "parallel nested loop with a subplan",
        "SELECT l_orderkey, (SELECT max(tag) FROM narrow WHERE id = l_partkey) FROM lineitem WHERE l_quantity < 3",
        ("Gather", "SubPlan"),
        PARALLEL,
    ),
    Shape(
        "CTE with a gather",
        "WITH c AS MATERIALIZED (SELECT l_partkey, count(*) n FROM lineitem GROUP BY 1) SELECT * FROM c a, c b"
        " WHERE a.n = b.l_partkey",
        ("Gather", "CTE Scan"),
        PARALLEL,
    ),
    Shape(
        "memoize",
        "SELECT count(p.p_size) FROM lineitem l LEFT JOIN part p ON p.p_partkey = l.l_partkey",
        ("Memoize",),
        NO_HASH,
    ),
    Shape("partitions", "SELECT kind, count(*) FROM measured GROUP BY kind", ("Append",)),
    Shape(
        "partitions pruned at run time",
        "SELECT * FROM measured WHERE at = (SELECT max(tag) * 100 FROM narrow)",
        ("Append", "InitPlan"),
    ),
    Shape("merge append", "SELECT * FROM measured ORDER BY at LIMIT 20", (), (("enable_sort", "off"),)),
    Shape("spilling sort", "SELECT * FROM wide ORDER BY pad, code", ("Sort",), (("work_mem", "64kB"),)),
    Shape(
        "spilling hash",
        "SELECT count(*) FROM wide a JOIN wide b USING (code)",
        ("Hash",),
        (("work_mem", "64kB"), ("enable_mergejoin", "off")),
    ),
    Shape(
        "spilling aggregate",
        "SELECT code, count(*) FROM wide GROUP BY code",
        ("Aggregate",),
        (("work_mem", "64kB"),),
    ),
    Shape(
        "spilling CTE read twice",
        "WITH c AS MATERIALIZED (SELECT * FROM wide) SELECT count(*) FROM c a JOIN c b ON a.id = b.grp",
        ("CTE Scan",),
        (("work_mem", "64kB"),),
    ),
    Shape("window", "SELECT id, rank() OVER (PARTITION BY grp ORDER BY code) FROM wide", ("WindowAgg",)),
    Shape(
        "bitmap or",
        "SELECT * FROM lineitem WHERE (l_partkey = 5 AND l_suppkey = 9) OR l_orderkey = 77",
        ("Bitmap Heap Scan",),
    ),
    Shape(
        "lossy bitmap",
        "SELECT count(*) FROM lineitem WHERE l_partkey < 900",
        (),
        (
            ("work_mem", "64kB"),
            ("enable_seqscan", "off"),
            ("enable_indexonlyscan", "off"),
            ("enable_indexscan", "off"),
        ),
    ),
    Shape("set operation", "SELECT id FROM wide EXCEPT SELECT wide_id FROM narrow", ("SetOp",)),
    Shape(
        "lateral",
        "SELECT * FROM tree t, LATERAL (SELECT * FROM narrow n WHERE n.tag = t.id % 20 LIMIT 2) x LIMIT 500",
        (),
    ),
    Shape(
        "function scan",
        "SELECT * FROM generate_series(1, 1000) g JOIN tree ON tree.id = g",
        ("Function Scan",),
    ),
    Shape("values", "SELECT * FROM (VALUES (1), (2), (3)) v (a) JOIN tree ON tree.id = a", ("Values Scan",)),
    Shape(
        "foreign scan", "SELECT count(*) FROM far JOIN narrow n ON n.id = far.major::int", ("Foreign Scan",)
    ),
    Shape("result", "SELECT 1", ("Result",)),
)
