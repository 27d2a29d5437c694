"""Foreign text made inert and cut to a number of cells."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

from rich.cells import get_character_cell_size

# Accents stack in real text, but seldom more than this; a flood of them is an attack on the terminal.
MAX_COMBINING = 3
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"  # their effect on width differs from terminal to terminal
_CHUNK = 4096  # characters beyond this many are never looked at: no screen is that wide


def _picture(char: str) -> str:
    """One harmless character for one that a terminal might obey or that would not show."""
    code = ord(char)
    if char in "\t\n\r":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return " " if unicodedata.category(char) in ("Zs", "Zl", "Zp") else "\ufffd"


def _inert(text: str, ascii_only: bool) -> str:
    out: list[str] = []
    combining = MAX_COMBINING  # none without a base
    for char in text[:_CHUNK]:
        if " " <= char <= "~":
            combining = 0
        elif char in _JOINERS:
            continue
        elif unicodedata.category(char)[0] in "CZ":
            char, combining = _picture(char), 0
        elif unicodedata.category(char)[0] == "M" or not get_character_cell_size(char):
            combining += 1
            if combining > MAX_COMBINING:
                continue
        else:
            combining = 0
        if ascii_only and char > "~":
            char = "." if "\u2400" <= char <= "\u2421" else "?"
        out.append(char)
    return "".join(out)


@lru_cache(4096)
def _fit_slow(text: str, width: int, ellipsis: str, ascii_only: bool) -> tuple[str, int]:
    """Inert text of at most `width` cells, and how many cells it has."""
    text = _inert(text, ascii_only)
    used = 0
    keep = 0  # characters that still leave room for the ellipsis
    kept = 0
    for index, char in enumerate(text):
        size = get_character_cell_size(char)
        if used + size > width:
            return text[:keep] + ellipsis, kept + 1
        used += size
        if used <= width - 1:
            keep, kept = index + 1, used
    return text, used


def fit(
    text: str,
    width: int,
    justify: Literal["left", "right"] = "left",
    ellipsis: str = "…",
    ascii_only: bool = False,
) -> str:
    """Text of exactly `width` cells (at least 1): inert, cut with an ellipsis of one cell, or padded."""
    if text.isascii() and text.isprintable():
        used = len(text)
        if used > width:
            return text[: width - 1] + ellipsis
    else:
        text, used = _fit_slow(text[:_CHUNK], width, ellipsis, ascii_only)
    if used == width:
        return text
    pad = " " * (width - used)
    return pad + text if justify == "right" else text + pad
