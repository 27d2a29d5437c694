"""Numbers for people: their width is bounded, their order of size kept, nearly all is not all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.report import numbers


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (numbers.count, 0, "0"),
        (numbers.count, 0.25, "0.25"),
        (numbers.count, 7.54, "7.5"),
        (numbers.count, 13.97, "14"),
        (numbers.count, 999, "999"),
        (numbers.count, 999.7, "1.0k"),
        (numbers.count, 1234, "1.2k"),
        (numbers.count, 99_960, "100k"),
        (numbers.count, 12_300_000, "12M"),
        (numbers.count, None, "-"),
        (numbers.count, math.nan, "-"),
        (numbers.about, 42.4, "42s"),
        (numbers.about, 59.4, "59s"),
        (numbers.about, 59.5, "1m"),
        (numbers.about, 3599, "59m"),
        (numbers.about, 3600, "1h00m"),
        (numbers.about, None, "-"),
        (numbers.millis, 0.0421, "0.04ms"),
        (numbers.millis, 0.001, "<.01ms"),
        (numbers.millis, 1.23, "1.2ms"),
        (numbers.millis, 999.6, "1.0s"),
        (numbers.millis, 123_000, "2m03s"),
        (numbers.seconds, 0, "0.0s"),
        (numbers.seconds, 59.7, "1m00s"),
        (numbers.seconds, 3720, "1h02m"),
        (numbers.seconds, 273_600, "3d04h"),
        (numbers.size, 8192, "8.0kB"),
        (numbers.size, 0, "0B"),
        (numbers.percent, 0.99999, "99.9%"),
        (numbers.percent, 1.0, "100%"),
        (numbers.percent, 0.0001, "<0.1%"),
        (numbers.percent, 0.0, "0%"),
    ],
)
def test_reads(form: object, value: float | None, text: str) -> None:
    assert callable(form)
    assert form(value) == text


@given(st.floats(min_value=0, max_value=9e14))
def test_a_count_never_takes_more_than_its_room(value: float) -> None:
    assert len(numbers.count(value)) <= 5
    assert len(numbers.millis(value)) <= 6 or value > 8.6e12
    assert len(numbers.seconds(value)) <= 6 or value > 8e9
    assert len(numbers.size(value)) <= 6


@given(st.floats(min_value=0, max_value=1))
def test_a_percentage_never_takes_more_than_its_room(value: float) -> None:
    assert len(numbers.percent(value)) <= 5
    assert (numbers.percent(value) == "100%") <= (value >= 0.999999)
    assert (numbers.percent(value) == "0%") <= (value == 0)
