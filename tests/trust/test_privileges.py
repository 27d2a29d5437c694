"""What docs/privileges.md says, run as it stands there, on each major."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgscope.sample import Look, Poll
from tests.streams import streaming

DOCUMENT = Path(__file__).parents[2] / "docs" / "privileges.md"


def recipe(words: str) -> str:
    """The block of SQL that holds these words."""
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if words in block]
    return str(found)


@pytest.fixture
def shop(pg_database: str) -> Iterator[str]:
    """A database with a table, the role `ops` of the document, and the planning function."""
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute("create table orders (id int primary key, secret text)")
        admin.execute(recipe("CREATE ROLE ops").encode())
        admin.execute(recipe("CREATE ROLE planner").encode())
        try:
            yield pg_database
        finally:
            for role in ("ops", "planner"):
                admin.execute(f"drop owned by {role} cascade".encode())
            admin.execute("drop schema planning cascade")
            admin.execute("drop role ops")
            admin.execute("drop role planner")


async def test_one_grant_is_all_that_watching_needs(shop: str) -> None:
    own = make_conninfo(shop, user="ops")
    with psycopg.connect(shop, autocommit=True, application_name="t-somebody") as client:
        client.execute("select 'seen' as t_privileges")
        async with streaming(own) as stream:
            await stream.more(Poll, 2)
            await stream.more(Look, 2)
            (seen,) = [one for one in stream.snapshot.sessions if one.application_name == "t-somebody"]
            assert "t_privileges" in seen.query
            assert stream.snapshot.notices == ()
            facts = stream.snapshot.facts
            assert facts is not None
            assert facts.may_signal
            assert facts.statements_version is not None


def test_the_function_plans_and_does_nothing_else(shop: str) -> None:
    with psycopg.connect(make_conninfo(shop, user="ops"), autocommit=True) as ops:

        def plan(statement: str) -> object:
            return ops.execute("select planning.explain(%s)", (statement,)).fetchall()[0][0]

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ops.execute("select from orders")
        assert "Index" in str(plan("select * from orders where id = 1"))
        refused = [
            "select 1; delete from orders",
            "select 1; create table planning.x ()",
            "analyze select 1",
            "(analyze) select pg_sleep(1)",
            "delete from orders",
            "insert into orders values (1)",
        ]
        for statement in refused:
            with pytest.raises(psycopg.Error):
                plan(statement)
        with ops.transaction():
            plan("select 1")
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), ops.transaction():
                ops.execute("create temp table t as select 1")
                ops.execute("create table t2 ()")


def test_the_function_refuses_a_superuser_as_owner(shop: str) -> None:
    with psycopg.connect(shop, autocommit=True) as admin:
        admin.execute("alter function planning.explain(text) owner to postgres")
        with pytest.raises(psycopg.errors.RaiseException, match="must not belong to a superuser"):
            admin.execute("select planning.explain('select 1')")
