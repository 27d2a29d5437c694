"""The progress of a base backup, read from real servers and shown."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pgscope.capture.live import LiveSource
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Poll, Progress
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from tests.locks.scene import Scene
from tests.tui.driving import shown, until


@contextmanager
def backup_of(server: EmbeddedServer, folder: Path) -> Iterator[None]:
    """A base backup so slow that it lasts for minutes; ended at the end."""
    process = subprocess.Popen(
        [
            server._binaries.program("pg_basebackup"),
            f"--pgdata={folder}",
            f"--dbname={server.conninfo}",
            "--max-rate=32k",
            "--wal-method=none",
            "--checkpoint=fast",
            "--no-sync",
            "--progress",
        ],
        env=server._binaries.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert process.poll() is None, "the backup ended by itself"
    finally:
        process.terminate()
        process.wait(timeout=30)


def streamed(poll: Poll) -> Progress | None:
    """How far the backup is, once it sends files."""
    found = (row for row in poll.progress if row.command == "BASE BACKUP" and row.done)
    return next(found, None)


async def test_a_base_backup_is_read_and_shown(pg: EmbeddedServer, tmp_path: Path) -> None:
    with backup_of(pg, tmp_path / "backup"):
        async with Scene(pg.conninfo) as scene:
            first = streamed(await scene.poll_until(lambda poll: streamed(poll) is not None))
            assert first is not None
            assert first.phase == "streaming database files"
            assert (first.unit, first.relation_name) == ("bytes", "")
            # Cross-checked with the server's own word; the estimate stays, the rest grows.
            rows = await (await scene._truth.execute("select * from pg_stat_progress_basebackup")).fetchall()
            assert [(row[0], row[2]) for row in rows] == [(first.pid, first.total)]
            assert first.done <= rows[0][3] < first.total
            then = streamed(await scene.poll_until(lambda poll: _done(poll) > first.done))
            assert then is not None and (then.pid, then.total) == (first.pid, first.total)
        app = PgscopeApp(LiveSource(target(pg.conninfo), interval=0.2, budget=1.0))
        async with app.run_test(size=(100, 24)) as pilot:
            await pilot.press("4")
            share = r"[\d.]+% \([\d.]+[kM]B of [\d.]+MB\)"
            said = re.compile(rf"pid {first.pid}: BASE BACKUP; streaming database files {share}")
            await until(pilot, lambda: said.search(shown(app)), "the progress of the backup")
    async with Scene(pg.conninfo) as scene:
        await scene.poll_until(lambda poll: not poll.progress)


def _done(poll: Poll) -> float:
    row = streamed(poll)
    return row.done if row is not None else 0
