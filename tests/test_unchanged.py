"""What did not change is not worked out again, and is what it would be if it were."""

from dataclasses import replace

from pgscope.analysis.statements import StatementTable
from pgscope.analysis.watch import Watch
from pgscope.sample import Poll, Session
from tests.churn import churn


def test_rows_of_statements_are_those_made_anew() -> None:
    watch = Watch()
    kept = 0
    for sample in churn(40):
        before = watch.snapshot().statements
        watch.feed(sample)
        if isinstance(sample, Poll) and sample.statements is not None:
            rows = watch.snapshot().statements
            kept += sum(row is before.get(key) for key, row in rows.items())
            deltas = watch._deltas
            anew = StatementTable().update(
                deltas.entries,
                deltas.arranged,
                deltas.touched,
                watch._interval,
                watch.known,
                watch.attribution.shares,
            )
            assert [*rows] == [*anew]
            for key, row in rows.items():
                assert replace(anew[key], shares=row.shares) == row
    assert kept


def test_sessions_that_stay_as_they_are_count_as_before() -> None:
    """Objects that come again are not read again; copies of them are."""

    def told(again: bool) -> Watch:
        watch = Watch()
        known: dict[Session, Session] = {}
        for sample in churn(40):
            if isinstance(sample, Poll):
                copies = [one._replace() for one in sample.sessions]
                sessions = [known.setdefault(one, one) for one in copies] if again else copies
                sample = replace(sample, sessions=tuple(sessions))
            watch.feed(sample)
        return watch

    one, other = told(again=True).attribution, told(again=False).attribution
    assert one.applications() == other.applications()
    assert one.applications(watch=True) == other.applications(watch=True)
