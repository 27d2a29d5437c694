"""The reader takes any JSON: it makes a plan of it or says that it is none, and nothing else."""

# ruff: noqa: E501

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgscope.analysis.plan import PlanError, parse
from pgscope.analysis.plan.accounting import share_out
from pgscope.analysis.plan.diff import compare, one_line
from pgscope.analysis.plan.tips import tips
from pgscope.report.plan_text import render

KEYS = st.sampled_from(
    [
        "Node Type", "Plans", "Parent Relationship", "Subplan Name", "CTE Name", "Actual Total Time", "Actual Rows",
        "Actual Loops", "Plan Rows", "Total Cost", "Shared Hit Blocks", "Shared Read Blocks", "Temp Read Blocks",
        "I/O Read Time", "Workers", "Workers Planned", "Workers Launched", "Filter", "Index Cond", "Hash Cond",
        "Output", "Sort Key", "Sort Method", "Sort Space Type", "Sort Space Used", "Hash Batches", "Heap Fetches",
        "Rows Removed by Filter", "Relation Name", "Schema", "Alias", "Index Name", "Join Type", "Strategy",
        "Partial Mode", "Parallel Aware", "Scan Direction", "Lossy Heap Blocks", "Exact Heap Blocks", "Operation",
    ]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=0, max_value=10**6),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(
        [
            "Seq Scan", "Nested Loop", "Gather", "CTE Scan", "Limit", "Sort", "Hash", "Aggregate", "InitPlan", "SubPlan",
            "Outer", "Inner", "InitPlan 1 (returns $0)", "InitPlan 1", "CTE c", "c", "$0", "(InitPlan 1).col1", "Disk",
            "(a = $0)", "Semi", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "ModifyTable",
        ]
    ),
    st.text(max_size=20),
)  # fmt: skip
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=25,
)
NODES = st.recursive(
    st.dictionaries(KEYS, PLAIN, max_size=12),
    lambda inner: st.tuples(st.dictionaries(KEYS, PLAIN, max_size=10), st.lists(inner, max_size=4)).map(
        lambda pair: {**pair[0], "Plans": pair[1]}
    ),
    max_leaves=12,
)
WHOLE = st.builds(
    lambda node, rest: [{"Plan": node, **rest}],
    NODES,
    st.dictionaries(
        st.sampled_from(
            ["Planning", "Planning Time", "Execution Time", "Triggers", "JIT", "Settings", "Query Identifier"]
        ),
        PLAIN,
        max_size=6,
    ),
)


@settings(max_examples=80, deadline=None)
@given(WHOLE)
def test_any_plan_is_read_advised_compared_and_shown(document: object) -> None:
    plan = parse(document)
    assert [node.index for node in plan.nodes] == list(range(len(plan.nodes)))
    assert len(tips(plan)) <= 3
    for node in plan.nodes:
        assert all(math.isfinite(value) and value >= 0 for value in node.exclusive)
        assert all(child > node.index for child in node.children)
        assert plan.subtree(node)[0] is node
    (
        plan.heaviest_by_time(),
        plan.heaviest_by_buffers(),
        plan.heaviest_by_misestimate(),
        plan.heaviest_by_cost(),
    )
    own_costs = [plan.own_cost(node) for node in plan.nodes]
    assert min(own_costs) >= 0
    assert math.isclose(sum(own_costs), plan.root.total_cost, rel_tol=1e-9)
    compare(plan, plan)
    one_line(plan, plan)
    assert all(line.isprintable() for line in render(plan, width=80).splitlines())


@settings(max_examples=100, deadline=None)
@given(PLAIN)
def test_what_is_no_plan_is_said_to_be_none(document: object) -> None:
    try:
        parse(document)
    except PlanError as error:
        assert str(error)


@given(st.text(max_size=60))
def test_text_that_is_no_plan(text: str) -> None:
    with pytest.raises(PlanError):
        parse(text)


def test_depth_and_size_do_not_matter() -> None:
    node: dict[str, object] = {"Node Type": "Result"}
    for _ in range(5000):
        node = {"Node Type": "Append", "Plans": [node]}
    plan = parse({"Plan": node})
    assert plan.nodes[-1].depth == 5000
    assert "Result" in render(plan, width=80)
    with pytest.raises(PlanError):
        parse("[" * 100_000)


def test_a_plan_with_numbers_beyond_all_sense() -> None:
    plan = parse(
        '[{"Plan": {"Node Type": "Seq Scan", "Actual Loops": 1e999, "Actual Total Time": NaN, "Plan Rows": -1}}]'
    )
    assert plan.root.inclusive.time == 0
    assert json.dumps([node.exclusive for node in plan.nodes])


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), max_size=6))
def test_sharing_out_gives_all_there_is_to_give_and_no_more(wanted: int, purses: list[int]) -> None:
    shares = share_out(float(wanted), [float(purse) for purse in purses], whole=True)
    assert sum(shares) == min(wanted, sum(purses))
    assert all(0 <= share <= purse for share, purse in zip(shares, purses, strict=True))
    assert all(share == int(share) for share in shares)
