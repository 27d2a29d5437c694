"""SQL files, found by name and by the version they start from."""

from __future__ import annotations

from functools import cache
from importlib import resources

from psycopg import sql


@cache
def _files() -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for entry in resources.files("pgscope.server.sql").iterdir():
        stem, dot, ending = entry.name.rpartition(".")
        if not dot or ending != "sql":
            continue
        name, _, since = stem.rpartition("-")
        found.setdefault(name, []).append((int(since), entry.read_text(encoding="utf-8")))
    for versions in found.values():
        versions.sort()
    return found


def query(name: str, version: int) -> sql.SQL:
    """The newest `name-N.sql` with N <= version, a major (14) or an extension's version (110 for 1.10).

    Raises KeyError if there is none.
    """
    for since, text in reversed(_files()[name]):
        if since <= version:
            return sql.SQL(text)
    raise KeyError(f"{name} for {version}")
