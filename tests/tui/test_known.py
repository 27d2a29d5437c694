"""What the rows of applications say of how surely their numbers are their own."""

from __future__ import annotations

import pytest

from pgscope.analysis.attribution import Share
from pgscope.analysis.attribution.shares import Certainty
from pgscope.analysis.counters import NOTHING, Counts
from pgscope.analysis.groups import groups
from pgscope.analysis.statements import StatementRow
from pgscope.sample import StatementKey
from pgscope.tui.glyphs import terminal_signs
from pgscope.tui.rows import applications


def statement(queryid: int, calls: float, certainty: Certainty) -> StatementRow:
    other = Share("worker", 0.5, 0.4, 0.6, 10, certainty)
    shares = (Share("shop", 0.5, 0.4, 0.6, 10, certainty), other)
    rates = Counts(calls=calls, rows=calls, exec_time=calls)
    key = StatementKey(10, 5, queryid, True)
    return StatementRow(key, "db", "app", "select", str(queryid), rates, NOTHING, 0.0, None, shares, 0.5)


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ({"exact": 90.0}, "exact"),
        ({"exact": 90.0, "measured": 0.1}, "exact"),
        ({"exact": 90.0, "measured": 10.0}, "measured"),
        ({"measured": 10.0}, "measured"),
        ({"exact": 60.0, "measured": 15.0, "sampled": 25.0}, "25.0% sampled"),
        ({"sampled": 1.0}, "100% sampled"),
    ],
)
def test_measured_is_not_told_as_exact(calls: dict[Certainty, float], said: str) -> None:
    rows = [statement(n, many, certainty) for n, (certainty, many) in enumerate(calls.items())]
    made = applications.rows(groups((), 0.0, (), rows), {}, "application", terminal_signs())
    columns = [column.title for column in applications.columns("application")]
    for row in made:
        cells = row.cells if isinstance(row.cells, tuple) else row.cells()
        assert cells[columns.index("known")] == said
    assert [row.key for row in made] == [("application", "shop"), ("application", "worker")]
