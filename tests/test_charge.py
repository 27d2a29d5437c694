"""A round trip is charged what its kind costs when nothing keeps it waiting."""

from __future__ import annotations

from pgscope.capture.charge import OUTSIDE_MS, Charges
from pgscope.capture.pace import MEMORY


def test_time_spent_waiting_for_a_processor_is_not_charged() -> None:
    charges = Charges()
    clock = [2.0, 2.1, 2.0, 14.0, 9.0, 2.2, 30.0, 5.0, 2.1, 2.0] * 3
    told = [charges.of("poll", one) for one in clock]
    assert all(abs(one - 2.0 - OUTSIDE_MS) < 0.15 for one in told)


def test_kinds_are_charged_apart_and_what_grew_dearer_is_charged_more() -> None:
    charges = Charges()
    for _ in range(MEMORY):
        assert charges.of("poll", 2.0) == 2.0 + OUTSIDE_MS
        assert charges.of("poll with statements", 8.0) == 8.0 + OUTSIDE_MS
    told = [charges.of("poll", 20.0) for _ in range(MEMORY)]
    assert told[-1] == 20.0 + OUTSIDE_MS
