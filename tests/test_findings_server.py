"""N+1 of a real ORM on a real server, by pgscope's own path; and its cure beside it, which stays silent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import psycopg
import pytest

from pgscope.analysis.watch import Watch
from pgscope.capture.live import LiveSource
from pgscope.driver import Driver
from pgscope.ending import end
from pgscope.server.burst import probe
from pgscope.server.catalog import read_catalog
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from tests.bench.nplusone import with_sqlalchemy
from tests.bench.nplusone.labels import LABELS
from tests.bench.nplusone.pacing import Pacing, pacing
from tests.bench.nplusone.schema import create


@pytest.fixture
def programs(pg_database: str) -> Iterator[None]:
    """A lazy and a selectin program, each with tables of its own, paging until the test ends."""
    stop = threading.Event()
    threads = []
    for name in ("sa_collection", "sa_selectin"):
        with psycopg.connect(pg_database, autocommit=True) as connection:
            create(connection, name, 50, keys=True, votes=False)
        pace = _Stoppable(name, 4.0, pacing(name, 4.0, 0).random, stop)
        conninfo = psycopg.conninfo.make_conninfo(pg_database, application_name=name)
        work = with_sqlalchemy.prepare(LABELS[name], conninfo, pace)
        threads.append(threading.Thread(target=_until_stopped, args=(work,)))
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


class _Stop(Exception):
    pass


class _Stoppable(Pacing):
    def __init__(self, name: str, rate: float, dice: object, stop: threading.Event) -> None:
        super().__init__(name, rate, dice)  # type: ignore[arg-type]
        self._stop = stop

    def wait(self) -> float:
        if self._stop.is_set():
            raise _Stop
        return super().wait()


def _until_stopped(work: object) -> None:
    try:
        work()  # type: ignore[operator]
    except _Stop:
        return


async def _shown(watch: Watch) -> None:
    while not [one for one in watch.findings_of_watch() if one.kind == "n_plus_one"]:
        await asyncio.sleep(0.2)


async def test_found_and_silent(programs: None, pg_database: str) -> None:
    watch = Watch()
    driver = Driver(LiveSource(target(pg_database)), watch)
    watching = asyncio.create_task(driver.run())
    try:
        await asyncio.wait_for(_shown(watch), 90)
    finally:
        await end(watching)
    found = [one for one in watch.findings_of_watch() if one.kind in ("n_plus_one", "lookup_loop")]
    (finding,) = found
    assert finding.application_names == ("sa_collection",)
    assert finding.relationship == "sa_collection_choice.question_id"
    assert finding.statement is not None and "sa_collection_choice" in finding.statement.query
    assert finding.parent is not None and "sa_collection_question" in finding.parent.query
    assert "= ANY($1)" in finding.remedy.sql


async def test_catalog_names_keys_in_other_encodings(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as admin:
        admin.execute('create table "häuser" (a int, b int, primary key (b, a))')
        admin.execute('create table c (x int, y int, foreign key (y, x) references "häuser" (b, a))')
        admin.execute("create unique index part on c (x) where x > 0")
    connection = await connect(target(pg_database))
    try:
        catalog = await read_catalog(connection)
    finally:
        await connection.close()
    (foreign,) = catalog.foreign_keys
    assert (foreign.child_table, foreign.child_columns) == ("c", ("y", "x"))
    assert (foreign.parent_table, foreign.parent_columns) == ("häuser", ("b", "a"))
    assert [(key.table, key.columns, key.primary) for key in catalog.keys] == [("häuser", ("b", "a"), True)]
    assert {size.table for size in catalog.tables} == {"häuser", "c"}


async def test_burst_probe_sees_a_transaction(pg_database: str) -> None:
    with psycopg.connect(pg_database, application_name="looper") as client:
        pid = client.info.backend_pid
        start = client.execute(
            "select extract(epoch from backend_start)::float8 from pg_stat_activity where pid = %s", (pid,)
        ).fetchone()
        assert start is not None
        connection = await connect(target(pg_database))
        try:
            probed = await probe(connection, pid, start[0], seconds=0.2)
            assert probed is not None
            assert probed.burst.application_name == "looper"
            assert {row.state for row in probed.burst.rows} == {"idle in transaction"}
            assert len({row.query_start for row in probed.burst.rows}) == 1
            assert probed.burst.round_trip_ms > 0
            assert await probe(connection, pid, start[0] + 60, seconds=0.2) is None
            assert await probe(connection, 2**30, 1.0, seconds=0.2) is None
        finally:
            await connection.close()
