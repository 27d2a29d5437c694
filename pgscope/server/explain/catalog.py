"""Reading from the catalog what a statement may reach: its names, and what stands behind them, to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import pglast
from psycopg.rows import dict_row

from pgscope.dataclass import dataclass
from pgscope.server.connection import Connection
from pgscope.server.explain.facts import CatalogFacts, FunctionFact, RelationFact
from pgscope.server.explain.reach import Named, Reach, reach
from pgscope.server.queries import query
from pgscope.text import clean

_ROUNDS = 30
"""Views upon views upon views: deeper than this they are called unreadable."""
_TEXTS = 2_000

_Row = Mapping[str, Any]


@dataclass
class _Search:
    """What was found so far, and the names that were looked up, so that nothing is read twice."""

    functions: dict[tuple[int, str], FunctionFact] = field(default_factory=dict)
    foreign: dict[str, RelationFact] = field(default_factory=dict)
    unreadable: dict[str, int | None] = field(default_factory=dict)
    seen: set[tuple[str, str, str, int]] = field(default_factory=set)
    texts: set[tuple[str, str]] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)
    classes: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _Origin:
    """Names of one piece of SQL: the statement itself, or what stands behind something in it."""

    reach: Reach
    via: str
    position: int | None


async def gather(connection: Connection, tree: object, path: Sequence[str], *, writes: bool) -> CatalogFacts:
    """Look up everything that the tree reaches. `path` are the schemas of its search_path, with pg_catalog.

    The connection's own search_path must be pg_catalog. Raises psycopg.Error.
    """
    search = _Search()
    waiting = [_Origin(reach(tree), "", None)]
    for _ in range(_ROUNDS):
        if not waiting:
            break
        waiting = await _round(connection, search, waiting, path, writes)
    for origin in waiting:
        search.unreadable.setdefault(f"what stands behind {origin.via}", origin.position)
    return CatalogFacts(
        tuple(search.functions.values()), tuple(search.foreign.values()), tuple(search.unreadable.items())
    )


async def _round(
    connection: Connection, search: _Search, origins: Sequence[_Origin], path: Sequence[str], writes: bool
) -> list[_Origin]:
    """One step outwards: look up new names, and parse the SQL that was found behind them."""
    places: list[tuple[str, int | None]] = []
    calls, routines, types, relations = _Names(), _Names(), _Names(), _Names()
    for origin in origins:
        for kind, names in (
            ("function", origin.reach.functions),
            ("field", origin.reach.fields),
            ("operator", origin.reach.operators),
            ("type", origin.reach.types),
            ("relation", origin.reach.relations),
        ):
            for name in names:
                if origin.via and not name.schema:
                    # The server wrote this SQL with a search_path of pg_catalog alone.
                    name = name._replace(schema="pg_catalog")
                key = (kind, name.schema, name.name, name.args)
                if key in search.seen or not name.name:
                    continue
                search.seen.add(key)
                place = name.position if origin.position is None and not origin.via else origin.position
                places.append((origin.via, place))
                here = len(places) - 1
                if kind in ("function", "field"):
                    row_only = kind == "field" and name.args == 0
                    calls.add(here, name, args=1 if kind == "field" else name.args, row_only=row_only)
                elif kind == "relation":
                    relations.add(here, name)
                else:
                    routines.add(here, name, kind=kind)
                    if kind == "type":
                        types.add(here, name)
    found = await _rows(
        connection, "explain_relations", {**relations.given(), "path": path, "writes": writes}
    )
    new_columns = {oid for row in found for oid in row["types"]} - search.columns
    search.columns |= new_columns
    new_classes = {oid for row in found for oid in row["classes"]} - search.classes
    search.classes |= new_classes
    _note_foreign(search, found, places)
    with_columns = {"columns": sorted(new_columns), "path": path}
    found += await _rows(connection, "explain_domains", {**types.given(), **with_columns})
    for row in await _rows(connection, "explain_functions", {**calls.given(calls=True), "path": path}):
        via, place = places[row["n"]]
        _note_function(search, row, via, place)
    behind = {**routines.given(kinds=True), **with_columns, "classes": sorted(new_classes)}
    for row in await _rows(connection, "explain_routines", behind):
        via, place = places[row["n"]] if row["n"] >= 0 else ("", None)
        own = clean(f"{row['kind']} {row['name']}", lines=False)
        _note_function(search, row, f"{own} in {via}" if via else own, place)
    return _parsed(search, found, places)


@dataclass
class _Names:
    """Names for a query, as the arrays that it takes."""

    rows: list[tuple[int, str, str, int, bool, str]] = field(default_factory=list)

    def add(self, n: int, name: Named, *, args: int = 0, row_only: bool = False, kind: str = "") -> None:
        self.rows.append((n, name.schema, name.name, args, row_only, kind))

    def given(self, *, calls: bool = False, kinds: bool = False) -> dict[str, object]:
        found: dict[str, object] = {
            "n": [row[0] for row in self.rows],
            "schemas": [row[1] for row in self.rows],
            "names": [row[2] for row in self.rows],
        }
        if calls:
            found |= {"args": [row[3] for row in self.rows], "row_only": [row[4] for row in self.rows]}
        if kinds:
            found["kinds"] = [row[5] for row in self.rows]
        return found


async def _rows(connection: Connection, name: str, parameters: Mapping[str, object]) -> list[_Row]:
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in parameters.items()}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query(name, 14), given)
        return list(await cursor.fetchall())


def _note_foreign(search: _Search, rows: Sequence[_Row], places: Sequence[tuple[str, int | None]]) -> None:
    for row in rows:
        if row["relkind"] == "f":
            name = clean(row["name"], lines=False)
            place = places[row["n"]][1]
            wrapper = clean(row["wrapper"], lines=False)
            search.foreign.setdefault(name, RelationFact(name, wrapper, row["program"], place))


def _note_function(search: _Search, row: _Row, via: str, place: int | None) -> None:
    schema = "" if row["builtin"] and row["nspname"] == "pg_catalog" else f"{row['nspname']}."
    fact = FunctionFact(
        name=clean(f"{schema}{row['proname']}({row['arguments']})", lines=False),
        bare=row["proname"],
        volatility=row["volatility"],
        language=row["language"],
        builtin=row["builtin"],
        extension=row["extension"],
        via=via,
        position=place,
    )
    search.functions.setdefault((row["oid"], via), fact)


def _parsed(search: _Search, rows: Sequence[_Row], places: Sequence[tuple[str, int | None]]) -> list[_Origin]:
    """The SQL behind the names, parsed; what does not parse is noted as unreadable."""
    origins = []
    for row in rows:
        form, text = row["form"], row["text"]
        if form == "none" or not text or (form, text) in search.texts:
            continue
        search.texts.add((form, text))
        via, place = places[row["n"]] if row["n"] >= 0 else ("", None)
        what = clean(row["what"], lines=False)
        what = f"{what} in {via}" if via and via not in what else what
        try:
            tree = pglast.parse_sql(f"SELECT {text}" if form == "expression" else text)
        except (pglast.parser.ParseError, RecursionError):
            search.unreadable.setdefault(what, place)
            continue
        if len(search.texts) > _TEXTS:
            search.unreadable.setdefault("all that stands behind its many tables", None)
            return []
        origins.append(_Origin(reach(tree), what, place))
    return origins
