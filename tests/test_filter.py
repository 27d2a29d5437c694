"""The filter language: what each form keeps, and what is said of what is wrong."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.analysis.filter import EVERYTHING, FIELDS, Filter, FilterError, Getters, complete
from pgscope.analysis.filter_hints import hints


class One(NamedTuple):
    app: str
    state: str
    pid: int
    age: float
    query: str
    calls: float = 0.0


ROWS = [
    One("storefront", "active", 10, 0.2, "SELECT * FROM orders WHERE id = $1", 120),
    One("storefront-fast", "idle", 11, 70.0, "COMMIT", 3),
    One("admin", "idle in transaction", 12, 6.0, "UPDATE orders SET state = $1", 0.5),
    One("", "waiting", 13, 3.0, "ALTER TABLE orders ADD COLUMN x int"),
]
GETTERS: Getters[One] = {
    "": lambda one: (one.app, one.state, str(one.pid), one.query),
    "app": lambda one: one.app,
    "state": lambda one: (one.state, "idle in tx" if "transaction" in one.state else one.state),
    "pid": lambda one: one.pid,
    "age": lambda one: one.age,
    "query": lambda one: one.query,
    "calls": lambda one: one.calls,
}


def kept(text: str) -> list[int]:
    return [one.pid for one in Filter.parse(text).select(ROWS, GETTERS)]


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("", [10, 11, 12, 13]),
        ("orders", [10, 12, 13]),
        ("ORDERS select", [10]),
        ("!orders", [11]),
        ("app:store", [10, 11]),
        ("app=storefront", [10]),
        ("app=", [13]),
        ('app=""', [13]),
        ("!app:store", [12, 13]),
        ("app:admin|fast", [11, 12]),
        ("state:idle", [11, 12]),
        ("state=idle", [11]),
        ('state:"idle in tx"', [12]),
        ("pid:12", [12]),
        ("pid>11 pid<=12", [12]),
        ("age>5s", [11, 12]),
        ("age>1m", [11]),
        ("age>=3", [11, 12, 13]),
        ("age<500ms", [10]),
        ("calls>0.1k", [10]),
        ("query:^update", [12]),
        ("query:orders|commit !query:alter", [10, 11, 12]),
        ('"set state"', [12]),
        ("app: state:active", [10]),
        ("age> state:active", [10]),
        ("!", [10, 11, 12, 13]),
    ],
)
def test_keeps(text: str, pids: list[int]) -> None:
    assert kept(text) == pids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ap:x", "did you mean app:"),
        ("nonsense:x", "no field nonsense; fields: app user"),
        ("age>soon", "age> wants a time, such as 5s"),
        ("age>5kB", "age> wants a time"),
        ("calls>x", "calls> wants a number, such as 100 or 2k"),
        ("pid>5s", "pid> wants a number"),
        ("app>5", "app is text"),
        ("query:(", "query: "),
        ("query:" + "a" * 600, "longer than 500"),
    ],
)
def test_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        Filter.parse(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state:idel", "no state 'idel': idle?"),
        ("state=wating", "no state 'wating': waiting?"),
        ("state:xyz", "no state 'xyz': active, idle, "),
        ("app:web and calls>5", "'and' is not needed"),
        ("app:web or app:shop", "a|b is either"),
        ("not app:web", "!app:web"),
        ("age>5 sec", "age>5s in one word"),
        ("temp>5 MB", "temp>5MB in one word"),
    ],
)
def test_hints_at_what_is_hardly_meant(text: str, said: str) -> None:
    (hint,) = hints(Filter.parse(text))
    assert said in hint


@pytest.mark.parametrize(
    "text",
    ["", "orders", "state:idle", 'state:"in tx"', "state:act|wait", "age>5s orders", "state:root", '"and"'],
)
def test_says_nothing_of_what_is_as_it_should_be(text: str) -> None:
    assert hints(Filter.parse(text)) == ()


def test_a_field_that_does_not_apply_is_left_out_and_named() -> None:
    wanted = Filter.parse("db:shop state:active !db:x")
    assert wanted.left_out(GETTERS) == ("db",)
    assert [one.pid for one in wanted.select(ROWS, GETTERS)] == [10]


@given(st.text(alphabet='ap:=<>!" |qst(5' + "\n\\"))
def test_whatever_is_typed_is_understood_or_refused(text: str) -> None:
    try:
        wanted = Filter.parse(text)
    except FilterError:
        return
    assert {one.pid for one in wanted.select(ROWS, GETTERS)} <= {10, 11, 12, 13}


@given(st.sampled_from(["app:store", "state:idle", "age>5s", "orders", "query:^s", "pid:12"]))
def test_a_negated_term_keeps_the_others(term: str) -> None:
    assert sorted(kept(term) + kept("!" + term)) == [10, 11, 12, 13]


def test_completes_fields_and_values() -> None:
    values = {"app": ["storefront", "storefront-fast", "two words"], "state": ["active"]}
    assert complete("sta", values) == "state:"
    assert complete("app:sto", values) == "app:storefront"
    assert complete("!app:storefront", values) == "!app:storefront-fast"
    assert complete("x state:a", values) == "x state:active"
    assert complete("app:two", values) is None, "it would need quotes"
    assert complete("", values) is None
    assert complete("ag", values) == "age>"


def test_every_field_has_help() -> None:
    assert all(field.help for field in FIELDS.values())
    assert not EVERYTHING
