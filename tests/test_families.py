"""Statements of one fingerprint as one: nothing is lost or counted twice, and no interval gets too narrow."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import Counts
from pgscope.analysis.families import FamilyBook, merged
from pgscope.analysis.statements import StatementRow
from pgscope.sample import StatementKey


def row(
    queryid: int, fingerprint: str, calls: float, shares: tuple[Share, ...] = (), user: str = "a"
) -> StatementRow:
    counts = Counts(calls=calls, rows=2 * calls, exec_time=0.5 * calls)
    return StatementRow(
        key=StatementKey(1, 5, queryid, True),
        database="shop",
        user=user,
        packed=f"SELECT {queryid}",
        fingerprint=fingerprint,
        rates=counts,
        counted=counts.times(100),
        max_exec_time=calls,
        since=None,
        shares=shares,
        share_of_time=0.0,
    )


def share(name: str | None, part: float, low: float, high: float) -> Share:
    return Share(name, part, low, high, 3, "sampled" if name else "unattributed")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1e6)), max_size=20))
def test_sums_stay_and_every_entry_is_in_one_family(made: list[tuple[str, float]]) -> None:
    rows = [row(n, fingerprint, calls) for n, (fingerprint, calls) in enumerate(made)]
    book = FamilyBook()
    found = book.update({one.key: one for one in rows})
    members = [book.members.get(one.key, (one.key,)) for one in found]
    assert sorted(key for keys in members for key in keys) == [one.key for one in rows]
    assert len(found) == len({fingerprint for fingerprint, _ in made})
    whole = sum(one.rates.calls for one in rows)
    assert abs(sum(one.rates.calls for one in found) - whole) <= 1e-6 * max(whole, 1)


def test_one_alone_is_the_same_object() -> None:
    alone = row(1, "x", 3)
    assert FamilyBook().update({alone.key: alone})[0] is alone


def test_databases_and_levels_are_kept_apart_and_users_put_together() -> None:
    rows = [
        replace(row(1, "x", 1), database=database, key=StatementKey(user, 5, 10 * n + user, toplevel))
        for n, (database, toplevel) in enumerate([("a", True), ("b", True), ("a", False), ("b", False)])
        for user in (1, 2)
    ]
    book = FamilyBook()
    found = book.update({one.key: one for one in [*rows[::2], *rows[1::2]]})
    assert [(one.database, one.key.toplevel) for one in found] == [
        (one.database, one.key.toplevel) for one in rows[::2]
    ]
    assert {len(keys) for keys in book.members.values()} == {2}
    assert all(book.of(one.key) in found for one in rows)
    assert book.of(StatementKey(3, 5, 1, True)) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_shares_weigh_as_much_as_their_calls(part: float, other: float, calls: float, more: float) -> None:
    rows = [
        row(1, "x", calls, (share("app", part, 0.0, 1.0), share(None, 1 - part, 0.0, 1.0))),
        row(2, "x", more, (share("app", other, other, other), share("job", 1 - other, 0.0, 1.0)), user="b"),
    ]
    one = merged(rows)
    assert abs(sum(each.share for each in one.shares) - 1) < 1e-9
    app = next(each for each in one.shares if each.application_name == "app")
    expected = (part * calls + other * more) / (calls + more)
    assert abs(app.share - expected) < 1e-9
    assert app.low - 1e-9 <= app.share <= app.high + 1e-9
    assert one.user == "2 users"


def test_what_nobody_was_seen_to_run_stays_unattributed() -> None:
    one = merged([row(1, "x", 1, (share("app", 1.0, 1.0, 1.0),)), row(2, "x", 3)])
    nobody = next(each for each in one.shares if each.application_name is None)
    assert nobody.share == 0.75
    assert nobody.attribution == "unattributed"
    assert merged([row(1, "x", 1), row(2, "x", 3)]).shares == ()


_CHANGES = st.lists(
    st.dictionaries(st.integers(0, 12), st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=6),
    max_size=6,
)


@given(_CHANGES, st.sets(st.integers(0, 12)))
def test_brought_up_to_date_is_made_anew(
    changes: list[dict[int, tuple[str, float]]], leaving: set[int]
) -> None:
    book, rows = FamilyBook(), dict[StatementKey, StatementRow]()
    for turn, changed in enumerate(changes):
        rows = dict(rows)
        for queryid, (fingerprint, calls) in changed.items():
            one = row(queryid, fingerprint, calls)
            rows[one.key] = one
        if turn == 3:
            rows = {key: one for key, one in rows.items() if key.queryid not in leaving}
        found = book.update(rows)
        fresh = FamilyBook()
        anew = fresh.update(rows)
        assert (found, book.members) == (anew, fresh.members)
        members = book.members
        for key, one in rows.items():
            family = book.of(key)
            assert family is not None and family.fingerprint == one.fingerprint
            assert key in members.get(family.key, (family.key,))
