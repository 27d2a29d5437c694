"""The few symbols that the table draws, in Unicode and in ASCII."""

from __future__ import annotations

import sys

from pgscope.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One symbol of one cell for each thing the table marks; `ascii_only` also turns other text into `?`."""

    ascending: str
    descending: str
    cursor: str
    mark: str
    ellipsis: str
    more_left: str
    more_right: str
    thumb: str
    ascii_only: bool = False
    cursor_away: str = "▷"
    """The cursor of a table that the keys do not go to."""


UNICODE = Glyphs("▲", "▼", "▶", "●", "…", "‹", "›", "┃")
ASCII = Glyphs("^", "v", ">", "*", "~", "<", ">", "|", ascii_only=True, cursor_away="-")


def glyphs_for(encoding: str | None) -> Glyphs:
    """The symbols that an output encoding can show."""
    return UNICODE if (encoding or "").lower().replace("-", "").replace("_", "") == "utf8" else ASCII


def terminal_glyphs() -> Glyphs:
    """The symbols for this process's terminal. Textual draws on standard error."""
    return glyphs_for(getattr(sys.__stderr__, "encoding", None))
