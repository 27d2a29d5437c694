"""What recording costs: 1,000 sessions and 5,000 statements at 1 s, on a real server.

uv run python -m tests.bench.recording [--sessions N] [--statements N] [--rate CALLS_PER_S] [--seconds S]
       [--budget PERCENT]

Prints the file's growth in MB a minute, the CPU of the whole `pgscope record` process, and the part of it
that goes into writing: the same samples written again by themselves. Meant to stay under 5 MB and 3 % of a
core, with pgscope's own default of --budget; --budget 100 lets the sampler look ten times a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.sample import Look, Poll
from tests.servers import Servers

_WARM_UP = 20.0


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--statements", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--budget", default="1", help="what `pgscope record` may cost the server (1)")
    parser.add_argument("--no-findings", action="store_true")
    options = parser.parse_args()
    servers = Servers()
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = servers.fresh(
                18, {"max_connections": str(options.sessions + 50), "pg_stat_statements.max": "10000"}
            )
            _measure(server.conninfo, options, Path(folder) / "bench.pgscope")
        finally:
            servers.stop()


def _measure(conninfo: str, options: argparse.Namespace, path: Path) -> None:
    numbers = [str(options.sessions), str(options.statements), str(options.rate)]
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.recording.client", conninfo, *numbers],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    print(client.stdout.readline().strip())
    command = [sys.executable, "-m", "pgscope", "record", conninfo, str(path), "--budget", options.budget]
    if options.no_findings:
        command.append("--no-findings")
    recorder = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        time.sleep(_WARM_UP)
        process = psutil.Process(recorder.pid)
        cpu, size, began = _cpu(process), path.stat().st_size, time.monotonic()
        time.sleep(options.seconds)
        took = time.monotonic() - began
        spent, grown = _cpu(process) - cpu, path.stat().st_size - size
    finally:
        recorder.terminate()
        recorder.wait()
        client.terminate()
        client.wait()
    print(f"the file grows by {grown / took * 60 / 1e6:.2f} MB a minute")
    print(f"pgscope record as a whole takes {100 * spent / took:.1f}% of a core")
    _write_again(path, path.with_name("again"))


def _write_again(path: Path, again: Path) -> None:
    samples = list(Recording.open(path).samples())
    polls = [one for one in samples if isinstance(one, Poll)]
    looks = [one for one in samples if isinstance(one, Look)]
    seen = sum(len(one.sightings) for one in looks)
    seconds = polls[-1].mono - polls[0].mono
    counters = next((one.statements for one in reversed(polls) if one.statements), ())
    print(
        f"{len(polls)} polls of {len(polls[-1].sessions)} sessions and {len(counters)}"
        f" statements, {len(looks)} looks with {seen / seconds:.0f} sightings a second, over {seconds:.0f} s"
    )
    file = RecordingFile(again)
    began = time.thread_time()
    for one in samples:
        file.write(one)
    file.close()
    print(f"writing takes {100 * (time.thread_time() - began) / seconds:.2f}% of a core")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
