"""How long a key takes on the screen while 1,000 sessions and 5,000 statements are fed to it.

uv run python -m tests.bench.screen.pace
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace

from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import Statements
from pgscope.analysis.watch import Watch
from pgscope.sample import StatementKey
from pgscope.tui.app import PgscopeApp
from pgscope.tui.table import LiveTable
from tests.tui.recorded import shop

SESSIONS, STATEMENTS, TURNS = 1000, 5000, 30


def large(small: Snapshot, seed: int) -> Snapshot:
    """A snapshot many times over; `seed` changes a third of its rows, the rest are the same objects."""
    sessions = tuple(
        one._replace(pid=n, state="active" if (n + seed) % 3 == 0 else "idle")
        for n, one in zip(range(SESSIONS), list(small.sessions) * SESSIONS, strict=False)
    )
    statements = dict(small.statements)
    for n, (key, row) in enumerate(small.statements.items()):
        if (n + seed) % 3 == 0:
            statements[key] = replace(row, rates=row.total.times(0.01 + n % 7))
    return replace(small, at=small.at + seed, sessions=sessions, statements=Statements(lambda: statements))


def wide() -> Snapshot:
    """The recorded shop with 5,000 statements."""
    watch = Watch()
    for one in shop().taken:
        watch.feed(one)
    small = watch.snapshot()
    statements = {}
    for n, row in zip(range(STATEMENTS), list(small.statements.values()) * STATEMENTS, strict=False):
        key = StatementKey(row.key.userid, row.key.dbid, n, True)
        statements[key] = replace(row, key=key, fingerprint=str(n), packed=f"{row.query} -- {n}")
    return replace(small, statements=Statements(lambda: statements))


async def main() -> None:
    """Print the echo of a key in each view, idle and right behind a snapshot."""
    base = wide()
    snapshots = [large(base, seed) for seed in range(3)]
    source = shop()
    source.taken = []
    app = PgscopeApp(source)
    async with app.run_test(size=(160, 48)) as pilot:
        for view in "123":
            await pilot.press(view)
            paints, keys = [], []
            for turn in range(TURNS):
                started = time.process_time()
                app._current.newest = snapshots[turn % 3]
                app._paint(None)
                paints.append(time.process_time() - started)
                started = time.process_time()
                app.screen.query_one(LiveTable).action_cursor(1)
                await pilot.pause()
                keys.append(time.process_time() - started)
            print(
                f"view {view}: snapshot {1000 * statistics.median(paints):.1f} ms "
                f"(worst {1000 * max(paints):.1f}), key and its paint {1000 * statistics.median(keys):.1f} ms"
            )


if __name__ == "__main__":
    asyncio.run(main())
