"""Constructed workloads for the findings: programs that page through rows, second by second."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pgscope.analysis.counters import Counts, Interval
from pgscope.analysis.findings import Finding, Findings
from pgscope.sample import (
    Burst,
    BurstRow,
    Catalog,
    ForeignKey,
    Look,
    Sighting,
    StatementKey,
    StatementTexts,
    TableKey,
    TableSize,
)

DATID, ROLE = 5, 10

PAGE = "SELECT question.id, question.question_text, question.author_id FROM question ORDER BY id LIMIT $1"
CHOICES = "SELECT choice.id, choice.question_id, choice.choice_text FROM choice WHERE choice.question_id = $1"
AUTHOR = "SELECT author.id, author.name FROM author WHERE author.id = $1"
COUNT = "SELECT count(*) AS n FROM choice WHERE choice.question_id = $1"
TOUCH = "UPDATE question SET seen = $1 WHERE question.id = $2"

CATALOG = Catalog(
    0.0,
    0.0,
    DATID,
    (
        ForeignKey("choice_question_fk", "public", "choice", ("question_id",), "public", "question", ("id",)),
        ForeignKey("question_author_fk", "public", "question", ("author_id",), "public", "author", ("id",)),
    ),
    tuple(TableKey("public", table, ("id",), True) for table in ("question", "choice", "author")),
    (
        TableSize("public", "question", 5000.0, 60),
        TableSize("public", "choice", 20000.0, 200),
        TableSize("public", "author", 50.0, 1),
    ),
)

Second = Callable[[random.Random], Mapping[str, tuple[float, float]]]
"""What a program does in a second: calls and rows by text."""


@dataclass
class World:
    """Feeds seconds of constructed work to `Findings`."""

    findings: Findings = field(default_factory=Findings)
    seed: int = 1
    catalog: Catalog | None = CATALOG
    at: float = 1000.0
    _ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.findings.observe(Interval(self.at, self.at, 0.0, {}))
        if self.catalog is not None:
            self.findings.feed(self.catalog)

    def key(self, text: str) -> StatementKey:
        """The entry of a text."""
        if text not in self._ids:
            self._ids[text] = len(self._ids) + 1
            self.findings.feed(StatementTexts(self.at, self.at, {(DATID, self._ids[text]): text}))
        return StatementKey(ROLE, DATID, self._ids[text], True)

    def seen(self, application: str, pid: int, *texts: str) -> None:
        """The sampler sees one session run these."""
        rows = [
            Sighting(
                pid, 1.0, DATID, ROLE, application, "idle", "Client", self.key(text).queryid,
                self.at + place / 100, None, self.at,
            )
            for place, text in enumerate(texts)
        ]  # fmt: skip
        for row in rows:
            self.findings.feed(Look(self.at, self.at, (row,)))

    def burst(self, application: str, pid: int, texts: list[str], step: float = 0.005) -> None:
        """A probe sees one session run these in transactions that each end with COMMIT."""
        rows = []
        xact = now = self.at
        for text in texts:
            now += step
            ended = text == "COMMIT"
            state = "idle" if ended else "idle in transaction"
            rows.append(BurstRow(now, self.key(text).queryid, now, None if ended else xact, state))
            if ended:
                xact = now + step / 2
        self.findings.feed(Burst(self.at, self.at, pid, 1.0, DATID, ROLE, application, tuple(rows), 0.1))

    def run(self, seconds: int, *programs: Second, interval: float = 1.0) -> tuple[Finding, ...]:
        """Let the programs work; what was found in the end."""
        for _ in range(seconds):
            self.at += interval
            deltas: dict[StatementKey, Counts] = {}
            for program in programs:
                for text, (calls, rows) in program(self.random).items():
                    key = self.key(text)
                    counts = Counts(calls=calls, rows=rows, exec_time=0.02 * calls)
                    deltas[key] = deltas[key].plus(counts) if key in deltas else counts
            deltas = {key: counts for key, counts in deltas.items() if counts.calls > 0}
            self.findings.observe(Interval(self.at, self.at, interval, deltas))
        return self.findings.current(self.at)

    def steps(self, seconds: int, *programs: Second) -> list[tuple[Finding, ...]]:
        """What was found after each second."""
        return [self.run(1, *programs) for _ in range(seconds)]


def pages(
    child: str,
    *,
    parent: str = PAGE,
    least: int = 8,
    most: int = 40,
    rate: tuple[int, int] = (2, 5),
    per_row: int = 1,
    direct: int = 0,
    owners: int = 0,
    child_rows: float = 3.0,
) -> Second:
    """A program that pages through the parent and asks for a child for each row.

    `direct` look-ups a second on top (at most), `owners` behind an identity map; a page may straddle two
    seconds, its calls then fall into the next.
    """
    late = 0

    def second(rng: random.Random) -> dict[str, tuple[float, float]]:
        nonlocal late
        calls = rng.randint(*rate)
        sizes = [rng.randint(least, most) for _ in range(calls)]
        asked, late, each = late, 0, 0
        for size in sizes:
            each = len({rng.randrange(owners) for _ in range(size)}) if owners else size * per_row
            asked += each
        if sizes and rng.random() < 0.15:
            late = rng.randint(0, each)
            asked -= late
        asked += rng.randint(direct // 2, direct) if direct else 0
        return {parent: (calls, sum(sizes)), child: (asked, asked * child_rows)}

    return second


def steady(text: str, least: int, most: int, rows: float = 1.0) -> Second:
    """Calls of one statement, as many a second as chance says."""

    def second(rng: random.Random) -> dict[str, tuple[float, float]]:
        calls = rng.randint(least, most)
        return {text: (calls, calls * rows)}

    return second
