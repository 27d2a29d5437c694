"""What a statement's comments say of the place in the program that it comes from.

Two forms are in use: sqlcommenter's `key='value'`, URL-encoded, and that of Rails query logs and marginalia,
`key:value`. Both are lists in a comment, before or behind the statement. The text is anybody's: nothing here
fails, takes long, or passes on what a terminal would obey.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from urllib.parse import unquote

from pgscope.dataclass import dataclass
from pgscope.latepattern import late_pattern
from pgscope.text import clean

_LONGEST_TEXT = 100_000
_LONGEST_COMMENT = 4_000
_LONGEST_VALUE = 500
_MOST_TAGS = 30

_KEY = r"[A-Za-z_][\w.%\-]{0,63}"
_QUOTED_PAIR = late_pattern(rf"\s*({_KEY})\s*=\s*'((?:[^'\\]|\\.)*)'\s*(,|\Z)", re.DOTALL)
_PLAIN_PAIR = late_pattern(rf"\s*({_KEY})\s*:\s*('(?:[^'\\]|\\.)*'|[^,]*?)\s*(,|\Z)", re.DOTALL)
_SKIPPED = late_pattern(
    r"""
      --[^\n]*
    | '(?:[^'\\]|''|\\.)*(?:'|\Z)
    | "(?:[^"]|"")*(?:"|\Z)
    | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    | /\*
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTED = late_pattern(r"/\*|\*/")
_TRACEPARENT = late_pattern(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_NAMES = {
    "application": "application",
    "app": "application",
    "service": "application",
    "service_name": "application",
    "route": "route",
    "path": "route",
    "request_path": "route",
    "controller": "controller",
    "namespaced_controller": "controller",
    "controller_with_namespace": "controller",
    "action": "action",
    "framework": "framework",
    "traceparent": "traceparent",
}


@dataclass(frozen=True)
class Tags:
    """The tags of a statement; '' for what it does not say. One line each, cleaned."""

    application: str = ""
    route: str = ""
    controller: str = ""
    action: str = ""
    framework: str = ""
    traceparent: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self != NO_TAGS

    @property
    def place(self) -> str:
        """Where in the program: the route, or else controller and action; '' if it does not say."""
        if self.route:
            return self.route
        return "#".join(part for part in (self.controller, self.action) if part)


NO_TAGS = Tags()


@lru_cache(maxsize=4_000)
def tags_of(text: str) -> Tags:
    """The tags in a statement's live text; of a key given twice the last counts. Pure, and never fails.

    A comment that was cut off gives its whole pairs only.
    """
    if "/*" not in text:
        return NO_TAGS
    found: dict[str, str] = {}
    for comment in _comments(text[:_LONGEST_TEXT]):
        for key, value in _pairs(comment[:_LONGEST_COMMENT]):
            if len(found) < _MOST_TAGS or key in found:
                found[key] = value
    known = {_NAMES[key]: value for key, value in found.items() if key in _NAMES}
    if "traceparent" in known and not _TRACEPARENT.fullmatch(known["traceparent"]):
        del known["traceparent"]
    others = {key: value for key, value in found.items() if key not in _NAMES}
    return Tags(**known, others=others) if known or others else NO_TAGS


def _comments(text: str) -> Iterator[str]:
    """The insides of the /* */ comments; what is inside of strings is not one."""
    place = 0
    while (match := _SKIPPED.search(text, place)) is not None:
        if match[0] != "/*":
            place = match.end()
            continue
        start, depth, place = match.end(), 1, match.end()
        end = len(text)
        while depth and (edge := _NESTED.search(text, place)) is not None:
            depth += 1 if edge[0] == "/*" else -1
            place, end = edge.end(), edge.start()
        if depth:
            # Cut off: the last value may be half of one.
            yield text[start:].rpartition(",")[0]
            return
        yield text[start:end]


def _pairs(comment: str) -> Iterator[tuple[str, str]]:
    """The pairs of a comment, if all of it is a list of them in one of the two forms."""
    for pattern, quoted in ((_QUOTED_PAIR, True), (_PLAIN_PAIR, False)):
        pairs: list[tuple[str, str]] = []
        place = 0
        while (match := pattern.match(comment, place)) is not None:
            pairs.append((_decoded(match[1]).lower(), _value(match[2], quoted)))
            place = match.end()
            if match[3] != ",":
                break
        if pairs and not comment[place:].strip():
            yield from pairs
            return


def _value(raw: str, quoted: bool) -> str:
    if not quoted and len(raw) >= 2 and raw[0] == raw[-1] == "'":
        raw, quoted = raw[1:-1], True
    raw = raw[:_LONGEST_VALUE]
    return _decoded(raw.replace("\\'", "'")) if quoted else clean(raw.strip(), lines=False)


def _decoded(raw: str) -> str:
    return clean(unquote(raw, errors="replace"), lines=False)
