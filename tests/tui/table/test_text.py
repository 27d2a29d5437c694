"""Foreign text: inert, and exactly as wide as asked."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pgscope.tui.table.text import MAX_COMBINING, fit

HOSTILE = ["[/foo]", "\x1b]52;c;QUJD\x07", "a\x00b", "x\x9b31mred", "e" + "\u0301" * 5000, "\u202egnp.exe"]


@given(
    st.text(max_size=80) | st.sampled_from(HOSTILE),
    st.integers(1, 40),
    st.sampled_from(["left", "right"]),
    st.booleans(),
)
def test_any_text_takes_exactly_its_cells_and_commands_nothing(
    text: str, width: int, justify: str, ascii_only: bool
) -> None:
    shown = fit(text, width, "right" if justify == "right" else "left", "~", ascii_only)
    assert cell_len(shown) == width
    assert len(shown) <= width * (1 + MAX_COMBINING)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    assert not ascii_only or shown.isascii()
    shown.encode()


@pytest.mark.parametrize(
    ("text", "width", "justify", "shown"),
    [
        ("abc", 5, "left", "abc  "),
        ("abc", 5, "right", "  abc"),
        ("abcdef", 4, "left", "abc…"),
        ("日本語", 5, "left", "日本…"),
        ("日本語", 4, "left", "日… "),
        ("日本語", 6, "left", "日本語"),
        ("\x1b[2J", 4, "left", "␛[2J"),
        ("a\tb\nc", 5, "left", "a b c"),
        ("[/foo]", 6, "left", "[/foo]"),
        ("\ud800", 1, "left", "\ufffd"),
    ],
)
def test_what_is_shown(text: str, width: int, justify: str, shown: str) -> None:
    assert fit(text, width, "right" if justify == "right" else "left") == shown
