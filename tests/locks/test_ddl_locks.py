"""The table of DDL locks against the truth: every statement is run on a real server of each major."""

from __future__ import annotations

import pytest

from pgscope.analysis.locks.conflicts import MODES, conflict, strength, words
from pgscope.analysis.locks.ddl import Ddl, command_of, ddl_of, wraparound
from tests.locks.scene import Client, Scene

SETUP = """
create table p (id int primary key, n int);
create table t (id int primary key, pid int, n int not null, s text, check (n >= 0));
create table child () inherits (t);
create table other (id int primary key, pid int, n int not null, s text, constraint t_n_check check (n >= 0));
create table fk (id int, pid int references p);
create table unchecked (id int, pid int);
alter table unchecked add constraint later foreign key (pid) references p not valid;
create index t_n on t (n);
create table parts (id int, k int) partition by list (k);
create table part1 partition of parts for values in (1);
create table part_default partition of parts default;
create table part3 (id int, k int);
create index parts_k on only parts (k);
create index part1_k on part1 (k);
create view v as select id from p;
create materialized view m as select id from p;
create unique index m_id on m (id);
create sequence q;
create function nothing() returns trigger language plpgsql as 'begin return null; end';
create trigger watch after insert on t for each row execute function nothing();
create rule quiet as on delete to unchecked do instead nothing;
create policy mine on t using (true);
create statistics st on id, n from t;
create schema shelf;
create publication pub for table fk;
"""

IN_TRANSACTION = """
alter table t add column x int
alter table t add column x int references p
alter table t add column x int default random()
alter table t drop column s
alter table t alter column s set default 'x'
alter table t alter column s drop default
alter table t alter column s set not null
alter table t alter column n drop not null
alter table t alter column s type varchar(10)
alter table t alter column s set statistics 100
alter table t alter column s set storage external
alter table t alter column s set (n_distinct = 5)
alter table t alter column s reset (n_distinct)
alter table t add check (pid > 0)
alter table t add check (pid > 0) not valid
alter table t add unique (pid)
alter table t add foreign key (pid) references p
alter table t add foreign key (pid) references p not valid
alter table t add exclude using btree (pid with =)
alter table unchecked validate constraint later
alter table fk drop constraint fk_pid_fkey
alter table fk alter constraint fk_pid_fkey deferrable
alter table t rename to renamed
alter table t rename column s to renamed
alter table t rename constraint t_n_check to renamed
alter table t owner to pg_monitor
alter table t set schema shelf
alter table t set (fillfactor = 70)
alter table t set (autovacuum_enabled = off)
alter table t set (user_catalog_table = true)
alter table t reset (fillfactor)
alter table t set (fillfactor = 70), add column x int
alter table t cluster on t_pkey
alter table t set without cluster
alter table t set unlogged
alter table t replica identity full
alter table t enable row level security
alter table t force row level security
alter table t enable trigger watch
alter table t disable trigger watch
alter table t enable always trigger watch
alter table t disable trigger all
alter table unchecked disable rule quiet
alter table other inherit t
alter table child no inherit t
alter table parts attach partition part3 for values in (3)
alter table parts detach partition part1
alter index t_n rename to renamed
alter index t_n set (fillfactor = 70)
alter index parts_k attach partition part1_k
alter view v rename to renamed
alter view v set (security_barrier = true)
alter view v alter column id set default 1
alter materialized view m rename to renamed
alter sequence q restart
alter sequence q rename to renamed
alter trigger watch on t rename to renamed
alter policy mine on t rename to renamed
alter policy mine on t using (false)
alter rule quiet on unchecked rename to renamed
alter publication pub add table t
create index on t (s)
create unique index on t (pid, n)
create trigger again after insert on t for each row execute function nothing()
create rule silent as on update to unchecked do instead nothing
create policy yours on t using (true)
create statistics more on id, pid from t
create table new (id int references p)
create table new () inherits (p)
create table new partition of parts for values in (7)
create or replace view v as select id from p where n > 0
create publication more for table t
drop table t cascade
drop table fk
drop index t_n
drop view v
drop materialized view m
drop sequence q
drop trigger watch on t
drop rule quiet on unchecked
drop policy mine on t
truncate t
truncate t, other
cluster t using t_pkey
analyze t
reindex table t
reindex index t_n
refresh materialized view m
refresh materialized view concurrently m
comment on table t is 'x'
comment on column t.s is 'x'
lock t
lock t in share mode
lock t in row exclusive mode
lock t in share row exclusive mode
""".strip().splitlines()

# What cannot run in a transaction is watched while it waits for the first lock that it wants there.
OUTSIDE = {
    "vacuum t": "t",
    "vacuum (full) t": "t",
    "vacuum full t": "t",
    "vacuum (full off) t": "t",
    "create index concurrently on t (s)": "t",
    "drop index concurrently t_n": "t",
    "reindex table concurrently t": "t",
    "reindex index concurrently t_n": "t",
    "alter table parts detach partition part1 concurrently": "parts",
}


@pytest.fixture
def schema(scene: Scene) -> Client:
    client = scene.client()
    client.run(*(part for part in SETUP.split(";\n") if part.strip()))
    return client


def one(text: str) -> Ddl:
    found = ddl_of(text)
    assert found, text
    return found[0]


def pairs(rows: list[tuple[str, ...]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}


def strongest(rows: list[tuple[str, ...]]) -> dict[str, str]:
    modes: dict[str, str] = {}
    for relation, mode in rows:
        if strength(mode) > strength(modes.get(relation, "")):
            modes[relation] = mode
    return modes


def test_statements_in_a_transaction(scene: Scene, schema: Client) -> None:
    """What the table says of each lock that it names is what the server holds after the statement."""
    watcher = scene.client()
    wrong = []
    for text in IN_TRANSACTION:
        names = pairs(watcher.run("select oid, relname from pg_class"))
        schema.run("begin", text)
        held = strongest(
            [
                (names[oid], mode)
                for oid, mode in watcher.run(
                    f"select relation, mode from pg_locks where pid = {schema.pid} and locktype = 'relation'"
                )
                if oid in names
            ]
        )
        schema.run("rollback")
        for ddl in ddl_of(text):
            for lock in ddl.locks:
                if lock.relation and held.get(lock.relation) != lock.mode:
                    wrong.append(f"{text}: {lock} but {held.get(lock.relation)}")
        if not ddl_of(text):
            wrong.append(f"{text}: not known")
    assert not wrong, "\n".join(wrong)


async def test_statements_outside_of_transactions(scene: Scene, schema: Client) -> None:
    holder = scene.client("holder")
    for text, table in OUTSIDE.items():
        holder.run("begin", f"lock {table} in share update exclusive mode")
        runner = scene.client("runner")
        runner.send(text)
        await scene.until(
            "select true from pg_locks where pid = %s and not granted and relation = %s::regclass",
            (runner.pid, table),
        )
        rows = holder.run(
            f"select relation::regclass, mode from pg_locks where relation is not null and pid = {runner.pid}"
        )
        modes = pairs(rows)
        named = {lock.relation or table: lock.mode for lock in one(text).locks}
        assert named[table] == modes[table], text
        holder.run(f"select pg_terminate_backend({runner.pid})", "rollback")
        await scene.until(
            "select true where not exists (select from pg_stat_activity where pid = %s)", (runner.pid,)
        )


def test_unnamed_tables(scene: Scene, schema: Client) -> None:
    """Tables that the text does not name are locked as the table says of their part."""
    for text, role, relation in (
        ("drop index t_n", "its table", "t"),
        ("reindex index t_n", "its table", "t"),
        ("reindex table t", "its indexes", "t_n"),
    ):
        (lock,) = [lock for lock in one(text).locks if lock.role == role]
        schema.run("begin")
        oid = schema.run(f"select '{relation}'::regclass::oid")[0][0]
        schema.run(text)
        rows = schema.run(
            f"select relation, mode from pg_locks where pid = pg_backend_pid() and relation = {oid}"
        )
        schema.run("rollback")
        assert strongest(rows) == {oid: lock.mode}, text


def test_table_of_conflicts(scene: Scene) -> None:
    """Each pair of modes taken by two sessions: the second gets it just if the table says so."""
    first, second = scene.client(), scene.client()
    for mode in MODES:
        first.run("begin", f"lock orders in {words(mode)} mode")
        for wanted in MODES:
            refused = second.run(
                "begin",
                "create temp table if not exists refused (r bool)",
                "delete from refused",
                f"do $$ begin lock orders in {words(wanted)} mode nowait; insert into refused values (false);"
                " exception when lock_not_available then insert into refused values (true); end $$",
                "select r from refused",
            )
            second.run("rollback")
            assert refused == [("t" if conflict(mode, wanted) else "f",)], (mode, wanted)
            assert conflict(mode, wanted) == conflict(wanted, mode)
        first.run("rollback")


def test_texts() -> None:
    """What is no DDL, or cannot be parsed, says nothing; several statements each say theirs."""
    assert ddl_of("select 1") == ()
    assert ddl_of("alter table t add column ") == ()
    assert ddl_of("begin; truncate a; drop table b; commit")[1].title == "DROP TABLE b"
    assert command_of("/* app */ Create  Unique index on t (") == "CREATE UNIQUE"
    assert command_of("select 'drop table'") == ""
    automatic = "autovacuum: VACUUM public.orders (to prevent wraparound)"
    assert one(automatic).title == "autovacuum: VACUUM public.orders"
    assert wraparound(automatic)
    assert not wraparound("autovacuum: VACUUM ANALYZE public.orders")
    assert one("alter table shop.orders add x int").meaning == "ACCESS EXCLUSIVE, blocks reads and writes"
