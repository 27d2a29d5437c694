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
    rarer = OwnCost(0.0, 105.0, 5.0, 500.0, 1, 2.0, 1.0, "sampling at 2.0 Hz")
    assert CostFold(100.0).feed(rarer).throttled == ""
    assert CostFold(90.0).feed(rarer).throttled == "sampling at 2.0 Hz"
    assert told[-1].seconds == 60.0
    assert told[-1].server_ms / told[-1].seconds == 5.0


def test_over_the_budget_it_says_so_unless_the_pace_does() -> None:
    def told(server_ms: float, budget: float, throttled: str = "") -> str:
        report = OwnCost(0.0, 100.0, 30.0, server_ms, 1, 10.0, 1.0, throttled, budget)
        return CostFold().feed(report).throttled

    assert "took 2.0% of a core of the server in the last 30 s" in told(600.0, 0.01)
    assert "budget of 1%" in told(600.0, 0.01)
    assert told(312.0, 0.01) == ""
    assert told(600.0, 0.0) == "", "an older recording does not tell the budget"
    assert told(600.0, 0.01, "slower") == "slower"


def test_one_dear_moment_is_no_news() -> None:
    fold = CostFold()
    assert fold.feed(OwnCost(0.0, 100.0, 5.0, 100.0, 1, 10.0, 1.0, budget=0.01)).throttled == ""


def test_what_is_read_once_in_the_first_minute_is_in_the_figure_but_no_news() -> None:
    fold = CostFold(100.0)
    told = []
    for n in range(1, 40):
        server_ms = 200.0 if n < 12 or n > 30 else 25.0
        told.append(fold.feed(OwnCost(0.0, 100.0 + 5 * n, 5.0, server_ms, 1, 10.0, 1.0, budget=0.01)))
    assert told[10].share == 0.04, "the figure leaves nothing out"
    assert all(one.throttled == "" for one in told[:30]), (
        "the first minute stays unsaid while the mean has it"
    )
    assert "took 3.1%" in told[38].throttled
