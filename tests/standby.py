"""A streaming standby of a running server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pgscope.embedded import EmbeddedServer
from tests.conftest import FreshServer


def standby_of(primary: EmbeddedServer, fresh_pg: FreshServer) -> EmbeddedServer:
    """A running standby of a server."""
    standby = fresh_pg(primary.version_num // 10000)
    standby.shut_down("immediate")
    owner = standby.data.stat()
    shutil.rmtree(standby.data)
    subprocess.run(
        [
            standby._binaries.program("pg_basebackup"),
            f"--pgdata={standby.data}",
            f"--dbname={primary.conninfo}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
        ],
        env=standby._binaries.environment(),
        check=True,
        timeout=120,
    )
    with (standby.data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.write(f"unix_socket_directories = '{standby.socket_dir}'\n")
        # Not pg_basebackup's own, which may hold options that the server's libpq does not know.
        file.write(f"primary_conninfo = 'host={primary.socket_dir} port={primary.port} user=postgres'\n")
    (standby.data / "standby.signal").touch()
    paths: list[Path] = [standby.data, *standby.data.rglob("*")]
    for path in paths:
        os.chown(path, owner.st_uid, owner.st_gid)
    standby.start_again()
    return standby
