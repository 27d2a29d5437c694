"""Text from a server can do nothing to a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.text import MARKS_IN_A_ROW, clean, is_truncated, one_line

HOSTILE = [
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "a\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "e" + "\u0301" * 500,
    "lone \ud800 surrogate",
    "tag \U000e0041",
    "filler\u3164\uffa0",
    "bell\x07 null\x00 del\x7f",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_left_that_a_terminal_obeys_or_hides(text: str) -> None:
    _assert_harmless(clean(text))
    _assert_harmless(clean(text, lines=False))


@given(st.text())
def test_whatever_comes_is_harmless(text: str) -> None:
    cleaned = clean(text)
    _assert_harmless(cleaned)
    assert clean(cleaned) == cleaned
    assert "\n" not in clean(text, lines=False)


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("select 'naïve café' -- ok\n\tfrom t", "SELECT '日本語', 'Ελλάδα'", "", "a b"):
        assert clean(text) == text


def test_letters_that_are_drawn_as_nothing_are_shown() -> None:
    """Else two applications of names that look the same were two rows that nobody can tell apart."""
    assert clean("app\u3164", lines=False) == "app\ufffd"
    assert clean("\u1100\u1161", lines=False) == "\u1100\u1161"


def test_line_ends_of_windows_become_newlines() -> None:
    assert clean("select 1\r\nfrom t\r\n") == "select 1 \nfrom t \n"


def test_a_text_with_line_ends_of_windows_that_was_cut_off_is_known_to_be() -> None:
    """It would else be taken for whole, and another statement be explained."""
    whole = "select *\r\nfrom t\r\n" + "where a = 'é'\r\n" * 100
    for limit in range(100, 200):
        shown = whole.encode()[: limit - 1].decode("utf-8", "ignore")
        assert is_truncated(clean(shown), limit)
    assert not is_truncated(clean("select 1\r\n"), 100)
    assert one_line("select 1\n\t from  t") == "select 1 from t"


def _assert_harmless(text: str) -> None:
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        assert category not in ("Cc", "Cf", "Cs") or char in "\n\t", hex(ord(char))
        marks = marks + 1 if category in ("Mn", "Me") else 0
        assert marks <= MARKS_IN_A_ROW
    text.encode("utf-8")
