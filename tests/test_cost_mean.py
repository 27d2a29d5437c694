"""The cost that the header tells: of the last minute, without the start."""

from __future__ import annotations

from pgscope.analysis.cost import CostFold
from pgscope.sample import OwnCost


def test_the_start_is_left_out_and_a_minute_is_averaged() -> None:
    fold = CostFold(100.0)
    told = [
        fold.feed(OwnCost(0.0, 100.0 + 5 * n, 5.0, 500.0 if n < 3 else 25.0, 1, 10.0, 1.0))
        for n in range(1, 21)
    ]
    assert [one.seconds for one in told[:2]] == [0.0, 0.0]
    assert told[2].seconds == 5.0
    assert told[-1].seconds == 60.0
    assert told[-1].server_ms / told[-1].seconds == 5.0
