"""Judges the findings: `uv run python -m tests.bench.nplusone [--majors 14,18] [--only NAME,...]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from pgscope.analysis.findings import Finding
from pgscope.analysis.findings.runs import runs
from pgscope.embedded import EmbeddedServer
from pgscope.ending import end
from tests.bench.nplusone.judge import Outcome, judge
from tests.bench.nplusone.labels import LABELS, NEGATIVES, POSITIVES, Label
from tests.bench.nplusone.schema import create
from tests.bench.nplusone.watch import Recorder, record
from tests.servers import Servers, binaries, cache_folder

ALONE_AT_ONCE = 6
"""Workloads of the first part that share a server, each in a database of its own, where no pair crosses."""


def main() -> int:
    """Run both parts on each major and print the tables; 1 if a mark was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.nplusone")
    parser.add_argument("--majors", default="14,18")
    parser.add_argument("--only", default="", help="names of workloads, by comma")
    parser.add_argument("--parts", default="alone,together")
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--at-once", type=int, default=ALONE_AT_ONCE)
    parser.add_argument("--verbose", action="store_true", help="print every finding with its evidence")
    args = parser.parse_args()
    labels = [LABELS[name] for name in args.only.split(",") if name] or [*POSITIVES, *NEGATIVES]
    servers, good = Servers(), True
    try:
        for major in [int(word) for word in args.majors.split(",")]:
            os.environ["BENCH_PGBENCH"] = str(
                binaries(major, cache_folder(), dict(os.environ)).program("pgbench")
            )
            for part in args.parts.split(","):
                server = servers.fresh(major, {"max_connections": "300", "track_io_timing": "on"})
                try:
                    outcome = asyncio.run(_part(server, part, labels, args))
                finally:
                    server.stop("immediate")
                good = _report(major, outcome) and good
    finally:
        servers.stop()
    return 0 if good else 1


async def _part(
    server: EmbeddedServer, part: str, labels: Sequence[Label], args: argparse.Namespace
) -> Outcome:
    outcome = Outcome(part)
    if part == "together":
        batches = [list(labels)]
    else:
        # A workload that shares another's tables belongs to the other part.
        alone = [label for label in labels if not label.tables]
        batches = [alone[i : i + args.at_once] for i in range(0, len(alone), args.at_once)]
    for number, batch in enumerate(batches):
        places = {
            label.name: f"b{number}" if part == "together" else f"b{number}_{label.name}" for label in batch
        }
        outcome.add(await _run(server, part, batch, places, args))
    return outcome


async def _run(
    server: EmbeddedServer,
    part: str,
    labels: Sequence[Label],
    places: dict[str, str],
    args: argparse.Namespace,
) -> Outcome:
    _prepare(server, labels, places)
    watch = Recorder()
    watching = asyncio.create_task(record(server.conninfo, watch))
    try:
        await asyncio.sleep(2.0)
        with _workloads(server, labels, places) as started:
            deadline = time.monotonic() + 120
            while len(started) < len(labels):
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"did not start: {', '.join({one.name for one in labels} - set(started))}"
                    )
                await asyncio.sleep(0.2)
            await asyncio.sleep(args.seconds)
    finally:
        await end(watching)
    if args.verbose:
        for burst in watch.bursts:
            seen = [f"{run.executions}{'t' if run.in_transaction else ''}" for run in runs(burst)]
            print(
                f"  {burst.mono - min(started.values()):5.1f}s burst {burst.application_name}: "
                f"{len(burst.rows)} looks, runs {' '.join(seen)}"
            )
        for at, finding in sorted(watch.shown.values(), key=lambda item: item[0]):
            _explain(finding, at - min(started.values()))
    ticks = sorted(watch.tick_ms)
    print(
        f"  ({len(labels)} workloads; tick median {ticks[len(ticks) // 2]:.1f} ms, "
        f"most {ticks[-1]:.1f} ms; {len(watch.bursts)} burst probes; "
        f"polls every {sum(watch.intervals) / len(watch.intervals):.1f} s, "
        f"{sum(watch.looks_hz) / len(watch.looks_hz):.1f} looks a second)",
        flush=True,
    )
    return judge(part, labels, watch.shown.values(), started, args.seconds)


def _prepare(server: EmbeddedServer, labels: Sequence[Label], places: dict[str, str]) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        for place in sorted(set(places.values())):
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(place)))
    for label in labels:
        with psycopg.connect(server.conninfo_for(places[label.name]), autocommit=True) as connection:
            if not label.tables:
                create(connection, label.name, label.owners, label.foreign_keys, label.program == "nested")
        if label.program == "pgbench":
            words = [os.environ["BENCH_PGBENCH"], "-i", "-q", "-s", "1", "-h", str(server.socket_dir)]
            words += ["-p", str(server.port), "-U", "postgres", places[label.name]]
            subprocess.run(words, check=True, capture_output=True)


@contextlib.contextmanager
def _workloads(
    server: EmbeddedServer, labels: Sequence[Label], places: dict[str, str]
) -> Iterator[dict[str, float]]:
    """The workloads at work, in a process for each library; when each had done its first page."""
    processes: list[subprocess.Popen[str]] = []
    started: dict[str, float] = {}
    try:
        for library in sorted({label.library for label in labels}):
            mine = [label.name for label in labels if label.library == library]
            words = [f"{name}={server.conninfo_for(places[name])}" for name in mine]
            command = [sys.executable, "-m", "tests.bench.nplusone.work", *words]
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            processes.append(process)
            threading.Thread(target=_listen, args=(process, started), daemon=True).start()
        yield started
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _listen(process: subprocess.Popen[str], started: dict[str, float]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        word, name, at = line.split()
        if word == "ready":
            started.setdefault(name, float(at))


def _explain(finding: Finding, seconds: float) -> None:
    names = ",".join(finding.application_names)
    print(f"  {seconds:5.1f}s {finding.kind} {finding.grade or '-'} [{names}] {finding.summary}")
    for item in finding.evidence:
        print(f"         {item.kind}: {item.text}")


def _report(major: int, outcome: Outcome) -> bool:
    print(f"\nPostgreSQL {major}, {outcome.mode}")
    print(f"{'workload':16} {'kind':18} {'grade':10} {'seconds':>7}  application parent")
    for one in outcome.verdicts:
        finding = one.finding
        grade = finding.grade if finding else "MISSED"
        seconds = f"{one.seconds:7.1f}" if one.seconds is not None else "      -"
        marks = f"{'right' if one.application else 'WRONG':11} {'right' if one.parent else 'WRONG'}"
        print(f"{one.label.name:16} {one.expected.kind:18} {grade:10} {seconds}  {marks if finding else ''}")
    for finding in outcome.wrong:
        print("FALSE: ", end="")
        _explain(finding, 0.0)
    applications, parents = outcome.names_right
    found = sum(one.finding is not None for one in outcome.verdicts)
    print(
        f"precision {outcome.precision:.3f} (confirmed {outcome.precision_confirmed:.3f}), "
        f"recall {outcome.recall:.3f}, median {outcome.median:.1f} s, "
        f"application right {applications}/{found}, parent right {parents}/{found}",
        flush=True,
    )
    return (
        outcome.precision_confirmed == 1.0
        and outcome.precision >= 0.95
        and outcome.recall >= 0.95
        and applications == parents == found
    )


if __name__ == "__main__":
    sys.exit(main())
