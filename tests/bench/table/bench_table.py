"""LiveTable beside Textual's DataTable on the same churning snapshots, through a real pseudo-terminal.

    uv run python tests/bench/table/bench_table.py [--rows 1000 5000] [--refreshes 25] [--size 160x48]

A child process draws one kind of table; this process reads its terminal and answers nothing. For each
refresh 30% of the rows change and 1% are replaced; the order is by calls, downwards. Printed per refresh:
processor time of the child (ms, making the snapshot not included) and bytes sent to the terminal.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

KINDS = ("live", "live-lazy", "datatable-clear", "datatable-diff")
TITLES = ("pid", "application", "state", "calls/s", "rows/s", "time ms", "share", "hit", "read", "query")

Values = tuple[int, str, str, float, float, float, float, int, int, str]


def values(pid: int, chance: random.Random) -> Values:
    """One row's values."""
    calls = chance.random() * 1000
    return (
        pid,
        f"app-{pid % 40}",
        chance.choice(["active", "idle", "waiting"]),
        calls,
        calls * 3,
        calls / 7,
        calls / 10_000,
        int(calls * 50),
        int(calls),
        f"select * from orders where customer_id = $1 and n = {pid}",
    )


def churn(table: dict[int, Values], fresh: int, chance: random.Random) -> int:
    """Change 30% of the rows and replace 1%. Returns the next free pid."""
    for pid in chance.sample(sorted(table), len(table) * 3 // 10):
        table[pid] = values(pid, chance)
    for pid in chance.sample(sorted(table), len(table) // 100):
        del table[pid]
        table[fresh] = values(fresh, chance)
        fresh += 1
    return fresh


def texts(v: Values) -> tuple[str, ...]:
    """The row as text."""
    return (
        str(v[0]),
        v[1],
        v[2],
        f"{v[3]:.1f}",
        f"{v[4]:.1f}",
        f"{v[5]:.1f}",
        f"{v[6]:.1%}",
        str(v[7]),
        str(v[8]),
        v[9],
    )


def child(kind: str, rows: int, refreshes: int, result: Path) -> None:
    """Draw, refresh and measure; runs in the pseudo-terminal."""
    from rich.text import Text
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    from pgscope.tui.table import Cell, Column, LiveTable, Row

    widths = (7, 12, 8, 9, 9, 9, 7, 9, 9)
    columns = [
        *(
            Column(t, t, width=w, justify="left" if t in ("application", "state") else "right")
            for t, w in zip(TITLES, widths, strict=False)
        ),
        Column("query", "query", min_width=20),
    ]

    def row(v: Values, lazy: bool) -> Row:
        def cells() -> tuple[Cell | str, ...]:
            shown: tuple[Cell | str, ...] = texts(v)
            return (*shown[:2], Cell(v[2], "warn" if v[2] == "waiting" else "normal"), *shown[3:])

        return Row(v[0], cells if lazy else cells(), v)

    def rich_texts(v: Values) -> list[Text]:
        style = "yellow" if v[2] == "waiting" else ""
        return [Text(text, style=style if n == 2 else "") for n, text in enumerate(texts(v))]

    class Bench(App[None]):
        def compose(self) -> ComposeResult:
            if kind.startswith("live"):
                yield LiveTable(columns, sort="calls/s", id="t")
            else:
                yield DataTable(id="t", cursor_type="row")

        async def on_mount(self) -> None:
            if not kind.startswith("live"):
                table = self.query_one(DataTable)
                for title, width in zip(TITLES, (*widths, 60), strict=True):
                    table.add_column(title, key=title, width=width)
            self.run_worker(self.measure())

        def show(self, old: dict[int, Values], now: dict[int, Values]) -> float:
            """Give the table a snapshot; returns the CPU seconds spent on making it, not on showing it."""
            if kind.startswith("live"):
                before = time.process_time()
                made = [row(v, kind == "live-lazy") for v in now.values()]
                spent = time.process_time() - before
                self.query_one(LiveTable).set_rows(made)
                return spent
            table = self.query_one(DataTable)
            if kind == "datatable-clear":
                table.clear()
                for v in sorted(now.values(), key=lambda v: -v[3]):
                    table.add_row(*rich_texts(v), key=str(v[0]))
                return 0.0
            for pid in old.keys() - now.keys():
                table.remove_row(str(pid))
            for pid, v in now.items():
                if pid not in old:
                    table.add_row(*rich_texts(v), key=str(pid))
                elif old[pid] is not v:
                    was = texts(old[pid])
                    for n, text in enumerate(rich_texts(v)):
                        if was[n] != text.plain:
                            table.update_cell(str(pid), TITLES[n], text)
            table.sort("calls/s", key=lambda text: -float(text.plain))
            return 0.0

        async def settle(self) -> None:
            """Wait until everything asked for is painted and written."""
            from asyncio import Event, sleep

            painted = Event()
            await sleep(0.05)
            self.call_after_refresh(painted.set)
            await painted.wait()
            await sleep(0.05)

        async def measure(self) -> None:
            chance = random.Random(1)
            now = {pid: values(pid, chance) for pid in range(rows)}
            fresh = rows
            old: dict[int, Values] = {}
            self.show(old, now)
            for _ in range(3):
                await self.settle()
            idle = time.process_time()
            await self.settle()
            idle = time.process_time() - idle
            costs = []
            assert self._driver is not None
            write = self._driver.write
            sent = 0

            def counted(data: str) -> None:
                nonlocal sent
                sent += len(data.encode())
                write(data)

            self._driver.write = counted  # type: ignore[method-assign]
            frames = []
            for _ in range(refreshes):
                old = dict(now)
                fresh = churn(now, fresh, chance)
                sent = 0
                started = time.process_time()
                making = self.show(old, now)
                await self.settle()
                costs.append((time.process_time() - started - making - idle) * 1000)
                frames.append(sent)
            result.write_text(json.dumps({"cpu": costs, "bytes": frames}))
            self.exit()

    Bench().run()


def median(numbers: list[float]) -> float:
    """The middle of the numbers."""
    return sorted(numbers)[len(numbers) // 2]


def run(kind: str, rows: int, refreshes: int, size: tuple[int, int]) -> tuple[float, float]:
    """CPU ms and bytes for each refresh in the median, for one kind of table."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    env = dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor", COLUMNS="", LINES="")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, __file__, "--child", kind, str(rows), str(refreshes), str(result)]
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        try:
            while process.poll() is None:
                if select.select([master], [], [], 0.2)[0]:
                    try:
                        os.read(master, 65536)
                    except OSError:
                        break
            process.wait(30)
            found = json.loads(result.read_text())
        finally:
            process.kill()
            os.close(master)
    return median(found["cpu"]), median(found["bytes"])


def main() -> None:
    """Measure each kind at each size and print the ratios to LiveTable."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--refreshes", type=int, default=25)
    parser.add_argument("--size", default="160x48")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, rows, refreshes, result = options.child
        child(kind, int(rows), int(refreshes), Path(result))
        return
    width, height = (int(n) for n in options.size.split("x"))
    print(f"{options.size}, 10 columns, 30% changed and 1% replaced each refresh, sorted; medians")
    for rows in options.rows:
        base: tuple[float, float] | None = None
        for kind in KINDS:
            cpu, sent = run(kind, rows, options.refreshes, (width, height))
            base = base or (cpu, sent)
            print(
                f"{rows:6} rows  {kind:16} {cpu:8.1f} ms {sent:9,.0f} bytes"
                f"   x{cpu / base[0]:.1f} CPU  x{sent / base[1]:.1f} bytes"
            )


if __name__ == "__main__":
    main()
