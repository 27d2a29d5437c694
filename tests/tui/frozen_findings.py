"""A recorded minute of a shop that does what it should not: the same samples every time."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from pgscope.sample import (
    Connected,
    Look,
    Names,
    Poll,
    Sample,
    Sighting,
    StatementCounters,
    StatementTexts,
)
from tests.findings_series import CATALOG, CHOICES, PAGE
from tests.tui.frozen import AT, BILLING, FACTS, poll, session

EXPORT = "SELECT question.id, question.question_text, question.author_id FROM question"
_TEXTS = {1: PAGE, 2: CHOICES, 3: EXPORT}
_MS = {1: 0.4, 2: 0.05, 3: 12.0}
_SECONDS = 40
_STOPS = 12
"""The exporter stops so many seconds after the start, and its finding ends."""


def _seen(second: float) -> Look:
    """The storefront's session seen with the page, then with the choices; the exporter's with its export."""

    def sighting(pid: int, application: str, queryid: int, start: float) -> Sighting:
        return Sighting(
            pid, AT - 3600.0, 1, 10, application, "idle", "Client", queryid, AT + start, None, AT + start
        )

    rows = [sighting(7001, "storefront", 1 + int(second) % 2, second)]
    if second < _STOPS - _SECONDS:
        rows.append(sighting(7002, "exporter", 3, second))
    return Look(AT + second, 1000.0 + second, tuple(rows))


def _counters(number: int, calls: int, rows: int) -> StatementCounters:
    """An entry of which every call takes the same time and blocks."""
    blocks = (9 * calls, calls, 0, 0, 0, 0)
    return StatementCounters(
        10, 1, number, True, calls, rows, _MS[number] * calls, 9.0, 0.0, *blocks, 0.0, 0.0, 0, AT - 3600.0
    )


def shop() -> list[Sample]:
    """Pages that ask for choices one by one, an export that ended, a transaction left open, no name."""
    chance = random.Random(4)
    calls: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    start = float(-_SECONDS)
    samples: list[Sample] = [
        Connected(AT + start, 1000.0 + start, FACTS),
        Names(AT + start, 1000.0 + start, {10: "app"}, {1: "shop"}),
        StatementTexts(AT + start, 1000.0 + start, {(1, number): text for number, text in _TEXTS.items()}),
        replace(CATALOG, at=AT + start, mono=1000.0 + start, datid=1),
    ]
    sessions = [
        BILLING,
        session(7001, "storefront", "idle", CHOICES, since=0.1, xact=0.1),
        session(7003, "", "idle", "SELECT 1", since=5.0, xact=5.0),
    ]
    for second in range(-_SECONDS, 1):
        for _ in range(chance.randint(2, 5)):
            size = chance.randint(5, 40)
            calls.update({1: 1, 2: size})
            rows.update({1: size, 2: 3 * size})
        if second < _STOPS - _SECONDS:
            calls.update({3: 2})
            rows.update({3: 10_000})
        counters = tuple(_counters(number, calls[number], rows[number]) for number in _TEXTS)
        samples.append(_seen(second - 0.5))
        samples.append(replace(poll(float(second), sessions), statements=counters, round_trip_ms=0.8))
    assert isinstance(samples[-1], Poll)
    return samples
