"""The matrix itself."""

from __future__ import annotations

import psycopg

from pgscope.embedded import EmbeddedServer
from tests.conftest import FreshServer


def test_every_major_runs_with_its_statistics(pg: EmbeddedServer, pg_major: int, pg_database: str) -> None:
    with psycopg.connect(pg_database) as connection:
        row = connection.execute("SHOW server_version_num").fetchone()
        assert row is not None
        assert int(row[0]) == pg.version_num
        assert pg.version_num // 10000 == pg_major
        counted = connection.execute("SELECT count(*) FROM pg_stat_statements WHERE queryid <> 0").fetchone()
        assert counted is not None and counted[0] > 0
        named = connection.execute(
            "SELECT query_id FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()
        assert named is not None and named[0] is not None


def test_a_server_of_ones_own_takes_settings(fresh_pg: FreshServer, pg18: EmbeddedServer) -> None:
    own = fresh_pg(18, {"max_connections": "1200", "log_line_prefix": "it's %p "})
    assert own.socket_dir != pg18.socket_dir
    with psycopg.connect(own.conninfo) as connection:
        row = connection.execute(
            "SELECT current_setting('max_connections'), current_setting('log_line_prefix')"
        ).fetchone()
    assert row == ("1200", "it's %p ")
