"""Text from a server made harmless to a terminal, at one place, on its way in."""

from __future__ import annotations

import unicodedata

from pgscope.latepattern import late_pattern

_CONTROL = {code: 0x2400 + code for code in range(0x20)}
_CONTROL[0x7F] = 0x2421
_CONTROL.update(dict.fromkeys(range(0x80, 0xA0), 0xFFFD))
_ONE_LINE = _CONTROL
_LINES = {code: to for code, to in _CONTROL.items() if code not in (0x09, 0x0A)}
_SUSPECT = late_pattern(
    "[^\x20-\x7e\n\t\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u058f\u3040-\u3098\u309b-\u30ff\u4e00-\u9fff]"
)
_BLANK = "\u115f\u1160\u3164\uffa0"
"""Letters that are drawn as nothing: with them two names look the same, or one like none."""
MARKS_IN_A_ROW = 3
"""Combining marks kept on one character; more are a flood, not a script."""


def clean(text: str, *, lines: bool = True) -> str:
    """The text with nothing left that a terminal would obey or hide.

    Control characters become their visible pictures, bidirectional overrides and invisible characters the
    replacement character, floods of combining marks are cut short. With `lines` (for statements) newlines
    and tabs stay, and of the line ends of Windows the newline; without (for names) they are pictures too.
    """
    if text.isascii():
        if (text.replace("\n", "").replace("\t", "") if lines else text).isprintable():
            return text
    elif _SUSPECT.search(text) is None and (lines or text.isprintable()):
        return text
    if lines:
        # As long as it was: by its length it is known whether the server cut it off.
        text = text.replace("\r\n", " \n")
    text = text.translate(_LINES if lines else _ONE_LINE)
    if text.isascii():
        return text
    return _visible(text)


def seems_cleaned(text: str) -> bool:
    """Whether there are signs in a text that `clean` puts in place of others."""
    return not text.isascii() and ("\ufffd" in text or any("\u2400" <= char <= "\u2421" for char in text))


def one_line(text: str) -> str:
    """The text on one line: runs of white space become one space."""
    return " ".join(text.split())


def plural(number: int, thing: str, things: str = "") -> str:
    """A number and what is counted: 1 session, 1,200 sessions; `things` where an s does not do."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 22nd."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _visible(text: str) -> str:
    """Without format characters (bidirectional overrides, zero widths), surrogates and floods of marks."""
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
            if marks > MARKS_IN_A_ROW:
                continue
        else:
            marks = 0
        hidden = category in ("Cf", "Cs", "Zl", "Zp") or char in _BLANK
        out.append("\ufffd" if hidden else char)
    return "".join(out)


def is_truncated(text: str, limit: int) -> bool:
    """Whether a text of pg_stat_activity was cut off: full to the last byte, or to the last whole character.

    `limit` is track_activity_query_size in bytes.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    return size >= limit - 1 or (size >= limit - 4 and not text.isascii())
