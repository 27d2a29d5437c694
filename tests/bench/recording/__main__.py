"""What recording costs: 1,000 sessions and 5,000 statements at 1 s, on a real server.

uv run python -m tests.bench.recording [--sessions N] [--statements N] [--rate CALLS_PER_S] [--seconds S]
       [--warm-up S] [--budget PERCENT] [--sample-hz HZ] [--only watch|write|record ...] [--into FOLDER]

Three programs, one after the other: `watch` takes the samples and does nothing with them, `write` is
`pgscope record --no-findings`, `record` is the whole of it. Of each: the CPU of the process with all its
threads, and the polls and looks that it really had; of the two that write, how the file grows, and the part
that goes into writing: the same samples written again by themselves. Meant to stay under 5 MB a minute and
3 % of a core. With pgscope's own budget of 1 % this many sessions are polled each few seconds and looked at
twice a second; 10 is enough for a poll each second, and --sample-hz 2 for no more looks than that.
`record` comes down to its 3 % by and by: looks in half a minute, finding in one or two, polls after three;
--warm-up 300 measures what it comes down to.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.sample import Look, Poll, Sample
from tests.servers import Servers

_PROGRAMS = ("watch", "write", "record")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--statements", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=20.0, help="seconds before it is measured (20)")
    parser.add_argument("--budget", default="10", help="what pgscope may cost the server, in percent (10)")
    parser.add_argument("--sample-hz", default="10", help="looks a second, at the most (10)")
    parser.add_argument("--only", choices=_PROGRAMS, nargs="+", default=_PROGRAMS)
    parser.add_argument("--into", type=Path, help="a folder in which the recordings stay")
    options = parser.parse_args()
    if options.into is not None:
        options.into.mkdir(parents=True, exist_ok=True)
    servers = Servers()
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = servers.fresh(
                18, {"max_connections": str(options.sessions + 50), "pg_stat_statements.max": "10000"}
            )
            with _load(server.conninfo, options):
                for program in options.only:
                    _measure(program, server.conninfo, options, (options.into or Path(folder)) / program)
        finally:
            servers.stop()


@contextlib.contextmanager
def _load(conninfo: str, options: argparse.Namespace) -> Iterator[None]:
    """Sessions and statements."""
    numbers = [str(options.sessions), str(options.statements), str(options.rate)]
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.recording.client", conninfo, *numbers],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert client.stdout is not None
        print(client.stdout.readline().strip(), flush=True)
        yield
    finally:
        client.terminate()
        client.wait()


def _measure(program: str, conninfo: str, options: argparse.Namespace, path: Path) -> None:
    pace = ["--budget", options.budget, "--sample-hz", options.sample_hz]
    command = {
        "watch": ["-m", "tests.bench.recording.watching", conninfo, *pace],
        "write": ["-m", "pgscope", "record", conninfo, str(path), "--no-findings", *pace],
        "record": ["-m", "pgscope", "record", conninfo, str(path), *pace],
    }[program]
    running = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    grown = 0
    try:
        time.sleep(options.warm_up)
        process = psutil.Process(running.pid)
        size = path.stat().st_size if path.exists() else 0
        cpu, began, at = _cpu(process), time.monotonic(), time.time()
        time.sleep(options.seconds)
        took, spent = time.monotonic() - began, _cpu(process) - cpu
        grown = path.stat().st_size - size if path.exists() else 0
    finally:
        running.terminate()
        told, _ = running.communicate()
    print(f"{program}: {100 * spent / took:.2f}% of a core", end="", flush=True)
    if program == "watch":
        polls, looks = map(float, told.split())
        print(f", {polls:.2f} polls and {looks:.2f} looks a second", flush=True)
        return
    samples = list(Recording.open(path).samples())
    taken = [type(one) for one in samples if at <= one.at <= at + took]
    print(
        f", {taken.count(Poll) / took:.2f} polls and {taken.count(Look) / took:.2f} looks a second",
        flush=True,
    )
    print(f"  the file grows by {grown / took * 60 / 1e6:.2f} MB a minute")
    _write_again(samples, path.with_name("again"))


def _write_again(samples: Sequence[Sample], again: Path) -> None:
    polls = [one for one in samples if isinstance(one, Poll)]
    looks = [one for one in samples if isinstance(one, Look)]
    seen = sum(len(one.sightings) for one in looks)
    seconds = polls[-1].mono - polls[0].mono
    counters = next((one.statements for one in reversed(polls) if one.statements), ())
    print(
        f"  {len(polls)} polls of {len(polls[-1].sessions)} sessions and {len(counters)}"
        f" statements, {len(looks)} looks with {seen / seconds:.0f} sightings a second, over {seconds:.0f} s"
    )
    file = RecordingFile(again)
    began = time.thread_time()
    for one in samples:
        file.write(one)
    file.close()
    print(f"  writing takes {100 * (time.thread_time() - began) / seconds:.2f}% of a core", flush=True)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
