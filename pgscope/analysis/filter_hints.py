"""What is hardly meant in a filter that was understood: words of other languages, states that are none."""

from __future__ import annotations

import re
from typing import Final

from pgscope.analysis.filter import Filter
from pgscope.latepattern import late_pattern

_STATES: Final = ("active", "idle", "idle in transaction", "waiting", "ended", "root")
"""To suggest from; the words that people look for."""
_OTHER_STATES: Final = (
    "idle in tx",
    "idle in transaction (aborted)",
    "aborted tx",
    "fastpath function call",
    "disabled",
    "hidden",
    "starting",
    "?",
    "confirmed",
    "likely",
    "open",
    "ok",
    "connecting",
    "down",
    "lost",
    "held",
    "soft",
    "hard",
    "granted",
    "prepared",
)
_WORDS: Final = {
    "and": "'and' is not needed: terms side by side must all hold",
    "&&": "'&&' is not needed: terms side by side must all hold",
    "or": "'or' is taken for a word: a|b is either, as in app:web|shop",
    "||": "'||' is taken for a word: a|b is either, as in app:web|shop",
    "not": "'not' is taken for a word: !term is not, as in !app:web",
}
_UNITS: Final = late_pattern(
    r"(?:us|ms|s|m|h|d|k|g|b|kb|mb|gb|tb|%|secs?|seconds?|mins?|minutes?|hours?|days?)", re.IGNORECASE
)
_SHORT: Final = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d"}


def hints(wanted: Filter) -> tuple[str, ...]:
    """What to say of a filter, in a line each; nothing for most."""
    found: list[str] = []
    for token, before in _tokens(wanted.text):
        if (hint := _WORDS.get(token.lower())) is not None:
            found.append(hint)
        elif _UNITS.fullmatch(token) and re.fullmatch(r"!?(\w+)[<>=:]+[\d.]+", before):
            unit = _SHORT.get(token.lower().removesuffix("s"), token)
            found.append(f"'{token}' is taken for a word: write {before}{unit} in one word")
    for term in wanted.terms:
        if term.field == "state":
            found += [_state(text) for text in term.texts if text and not _is_state(text)]
    return tuple(dict.fromkeys(found))


def _tokens(text: str) -> list[tuple[str, str]]:
    """Plain words with the term before each."""
    parts = text.split()
    return list(zip(parts, ["", *parts], strict=False))


def _is_state(text: str) -> bool:
    return any(text in state for state in (*_STATES, *_OTHER_STATES))


def _state(text: str) -> str:
    from difflib import get_close_matches  # for who mistyped only

    near = get_close_matches(text, _STATES, 1, 0.5)
    return f"no state '{text}': {near[0]}?" if near else f"no state '{text}': {', '.join(_STATES)}"
