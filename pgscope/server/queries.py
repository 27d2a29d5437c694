"""SQL files, found by name and by the version they start from."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from psycopg import sql

from pgscope.sample import OWN_MARK

_REMARKS = re.compile(r"\A(?:--.*\n|\s)+")
_FIRST_WORD = re.compile(r"\A\w+")


@cache
def _files() -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for entry in resources.files("pgscope.server.sql").iterdir():
        stem, dot, ending = entry.name.rpartition(".")
        if not dot or ending != "sql":
            continue
        name, _, since = stem.rpartition("-")
        found.setdefault(name, []).append((int(since), own(entry.read_text(encoding="utf-8"))))
    for versions in found.values():
        versions.sort()
    return found


def own(text: str) -> str:
    """A statement marked as pgscope's, without what is said before it for readers of the file."""
    return _FIRST_WORD.sub(lambda word: f"{word[0]} {OWN_MARK}", _REMARKS.sub("", text))


def query(name: str, version: int) -> sql.SQL:
    """The newest `name-N.sql` with N <= version, a major (14) or an extension's version (110 for 1.10).

    Raises KeyError if there is none.
    """
    for since, text in reversed(_files()[name]):
        if since <= version:
            return sql.SQL(text)
    raise KeyError(f"{name} for {version}")
