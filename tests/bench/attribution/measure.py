"""Runs a mix on a server, watches it as pgscope does, and compares shown shares with the true ones."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from pgscope.analysis.attribution import Attribution, Share
from pgscope.analysis.counters import StatementDeltas
from pgscope.capture.pace import Pace, next_look
from pgscope.embedded import EmbeddedServer
from pgscope.sample import Connected, Poll, Sample, StatementKey, StatementTexts
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from pgscope.server.facts import learn
from pgscope.server.names import NameBook
from pgscope.server.poll import Poller
from pgscope.server.sampler import Sampler
from tests.bench.attribution.client import ROWS, file_size, slot
from tests.bench.attribution.mixes import MIXES, STATEMENTS

LEAST_RATE = 10.0
"""Calls a second from which a statement is judged."""
_OVERLOOKED = 0.005
"""A true share below this that is not shown does not count as missed."""


@dataclass(frozen=True)
class Judged:
    """One statement: what was shown against what was true."""

    statement: str
    calls: float
    """A second."""
    distance: float
    """Total variation distance."""
    covered: int
    """Applications whose interval holds the truth."""
    applications: int
    width: float
    """Mean width of the intervals."""
    shares: tuple[Share, ...]
    truth: Mapping[str, float]


@dataclass
class Outcome:
    """A run of one mix on one major."""

    major: int
    mix: str
    judged: list[Judged] = field(default_factory=list)
    look_ms: float = 0.0
    poll_ms: float = 0.0
    hz: float = 0.0
    tick_ms: float = 0.0
    """Mean time of one update of all shares."""


def prepare(server: EmbeddedServer) -> None:
    """The table that all applications work on."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("create table if not exists item (id int primary key, v text, n int default 0)")
        connection.execute("truncate item")
        connection.execute(
            "insert into item select g, repeat('x', 100), 0 from generate_series(40000, %s) g",
            (40000 + ROWS,),
        )
        connection.execute("vacuum analyze item")


def judge(name: str, shares: tuple[Share, ...], truth: Mapping[str, float], rate: float) -> Judged:
    """Compare the shares of a statement."""
    shown = {share.application_name: share for share in shares}
    names = {*shown, *truth}
    distance = sum(
        abs((shown[one].share if one in shown else 0.0) - (truth.get(one, 0.0) if one else 0.0))
        for one in names
    )
    covered = applications = 0
    widths = []
    for one in names:
        true = truth.get(one, 0.0) if one else 0.0
        if one not in shown:
            if true > _OVERLOOKED:
                applications += 1
            continue
        applications += 1
        share = shown[one]
        # What ran while a clock was read may fall on either side of it.
        covered += share.low - 0.002 <= true <= share.high + 0.002
        widths.append(share.high - share.low)
    return Judged(
        name, rate, distance / 2, covered, applications, sum(widths) / max(len(widths), 1), shares, truth
    )


@dataclass
class Record:
    """All that a run gave the attribution, and the truth: enough to judge it again without a server."""

    major: int
    mix: str
    samples: list[Sample] = field(default_factory=list)
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    """True calls by statement and application."""
    query_ids: dict[str, set[int]] = field(default_factory=dict)
    seconds: float = 0.0


def judge_all(record: Record, outcome: Outcome) -> Attribution:
    """Feed a record to an attribution, and judge what it says in the end."""
    attribution, deltas = Attribution(), StatementDeltas()
    ticks = []
    for sample in record.samples:
        attribution.feed(sample)
        if isinstance(sample, Poll):
            interval = deltas.feed(sample)
            assert interval is not None
            attribution.observe(interval)
            started = time.perf_counter()
            attribution.applications()
            ticks.append(time.perf_counter() - started)
    outcome.tick_ms = sum(ticks) / len(ticks) * 1000.0
    for name, calls in record.calls.items():
        whole = sum(calls.values())
        keys = [key for key in deltas.entries if key.queryid in record.query_ids.get(name, ())]
        keys = [key for key in keys if attribution.counts(key).calls > 0]
        if whole / record.seconds < LEAST_RATE or not keys:
            continue
        key: StatementKey = max(keys, key=lambda key: attribution.counts(key).calls)
        if attribution.counts(key).calls / record.seconds < LEAST_RATE:
            continue
        truth = {one: count / whole for one, count in calls.items() if count}
        outcome.judged.append(judge(name, attribution.shares(key), truth, whole / record.seconds))
    return attribution


class Run:
    """One mix on one server."""

    def __init__(self, server: EmbeddedServer, mix: str) -> None:
        self.server = server
        self.path = Path(server.folder) / f"counts-{mix}"
        self.pids: list[int] = []
        self.mix = mix
        self.record = Record(server.version_num // 10000, mix)
        self._poll_due = 0.0

    def start(self) -> None:
        """Start the clients: a few processes, whatever the number of applications."""
        self.path.write_bytes(bytes(file_size(self.mix)))
        loads = MIXES[self.mix]
        pooled = any(load.way == "pool" for load in loads)
        size = len(loads) if pooled else max(1, (len(loads) + 4) // 5)
        for first in range(0, len(loads), size):
            argv = [
                sys.executable,
                "-m",
                "tests.bench.attribution.client",
                self.server.conninfo,
                str(self.path),
                self.mix,
                str(first),
                str(size),
            ]
            self.pids.append(self.server.spawn(argv, env=dict(os.environ)))

    def stop(self) -> None:
        """End the clients."""
        while self.pids:
            self.server.end(self.pids.pop())

    def counts(self) -> dict[str, dict[str, int]]:
        """True calls so far, by statement and application."""
        data = self.path.read_bytes()
        found: dict[str, dict[str, int]] = {}
        for number, load in enumerate(MIXES[self.mix]):
            for statement in STATEMENTS:
                place = slot(number, statement)
                value = int.from_bytes(data[place : place + 8], "little")
                by_name = found.setdefault(statement, {})
                by_name[load.application_name] = by_name.get(load.application_name, 0) + value
        return found

    async def watch(self, seconds: float) -> Outcome:
        """Watch the load for so long, and judge what can be said of it in the end."""
        record = self.record
        outcome = Outcome(record.major, self.mix)
        slow, fast = await connect(target(self.server.conninfo)), await connect(target(self.server.conninfo))
        try:
            facts = await learn(slow)
            poller = Poller(slow, facts)
            names = NameBook()
            await names.read(fast)
            own = (slow.info.backend_pid, fast.info.backend_pid)
            sampler = Sampler(fast, facts, names.codec, lambda: own)
            pace = Pace()
            facts = replace(facts, own_pids=frozenset(own))
            record.samples.append(Connected(time.time(), time.monotonic(), facts))
            stop = asyncio.Event()
            self._poll_due = time.monotonic()
            looking = asyncio.create_task(self._look(sampler, pace, stop))
            before: dict[str, dict[str, int]] = {}
            began = ended = 0.0
            polls = []
            for number in range(int(seconds) + 1):
                started = time.monotonic()
                polled = await poller.poll()
                now = self.counts()
                pace.polled(polled.server_ms, 1.0)
                sampler.polled(polled.poll.at, poller.changed)
                polls.append(polled.server_ms)
                record.samples.append(polled.poll)
                assert poller.reader is not None
                texts = await poller.reader.texts(slow, poller.reader.unseen())
                record.samples.append(StatementTexts(polled.poll.at, polled.poll.mono, texts))
                if number == 0:
                    before, began = now, polled.poll.mono
                ended = polled.poll.mono
                self._poll_due = started + 1.0
                await asyncio.sleep(max(started + 1.0 - time.monotonic(), 0.0))
            stop.set()
            looks, look_ms = await looking
        finally:
            await slow.close()
            await fast.close()
        outcome.look_ms, outcome.hz = look_ms / max(looks, 1), looks / (ended - began)
        outcome.poll_ms = sum(polls) / len(polls)
        record.seconds = ended - began
        record.calls = {
            name: {one: count - before[name][one] for one, count in true.items()}
            for name, true in now.items()
        }
        record.query_ids = self._query_ids()
        judge_all(record, outcome)
        return outcome

    async def _look(self, sampler: Sampler, pace: Pace, stop: asyncio.Event) -> tuple[int, float]:
        looks, spent = 0, 0.0
        while not stop.is_set():
            started = time.monotonic()
            self.record.samples.append(await sampler.look())
            looks += 1
            spent += sampler.server_ms
            due = next_look(started, pace.looked(sampler.server_ms), self._poll_due, 1.0)
            await asyncio.sleep(max(due - time.monotonic(), 0.001))
        return looks, spent

    def _query_ids(self) -> dict[str, set[int]]:
        with psycopg.connect(self.server.conninfo, autocommit=True) as connection:
            texts = connection.execute("select queryid, query from pg_stat_statements").fetchall()
        found: dict[str, set[int]] = {}
        for query_id, text in texts:
            for name in STATEMENTS:
                if text.lower() == name or f" as {name} " in text or text.endswith(f" as {name}"):
                    found.setdefault(name, set()).add(query_id)
        return found
