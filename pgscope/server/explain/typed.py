"""The types that a program sends its parameters with, found by the Query Identifier that they lead to.

The text of a statement does not say them: a driver that sends small numbers as smallint, or a number for an
integer column as numeric, makes another statement of it, perhaps with another plan.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

import psycopg

from pgscope.server.connection import Connection
from pgscope.server.explain.circumstances import set_local
from pgscope.server.explain.prepare import (
    Prepared,
    identifier,
    identifier_as,
    identifier_with_constants,
    parameter_types,
    prepare_again,
    with_literals,
)

_FAMILIES = (
    ("smallint", "integer", "bigint", "numeric", "double precision"),
    ("text", "character varying"),
    ("timestamp without time zone", "timestamp with time zone", "date"),
)
_RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_MOST = 24
_SECONDS = 1.0
"""Candidates that are tried at most in each reading, and for how long in all: each is some round trips."""


async def match(connection: Connection, prepared: Prepared, wanted: int) -> bool | None:
    """Whether the text prepared is the statement of this identifier; types that make it so are declared.

    None where the server computes no identifiers. Raises psycopg.Error.
    """
    await set_local(connection, "plan_cache_mode", "force_generic_plan")
    found = await identifier_as(connection, prepared)
    if found is None or found == wanted:
        return None if found is None else True
    inferred = await parameter_types(connection)
    same, types = await _search(connection, prepared, inferred, wanted)
    if types is not None:
        prepared.types = types
        prepared.learned = {number: kind for number, kind in types.items() if kind != inferred[number]}
    await prepare_again(connection, prepared)
    return same


async def _search(
    connection: Connection, prepared: Prepared, inferred: Mapping[int, str], wanted: int
) -> tuple[bool, dict[int, str] | None]:
    """Whether it is the statement wanted, and the types that make it so where they must be declared."""
    for cast in ({}, inferred):
        if identifier(await with_literals(connection, prepared.normalised, cast)) == wanted:
            return True, None
    begin = time.monotonic()
    for n, (types, constants) in enumerate(_readings(inferred), 1):
        if time.monotonic() - begin > _SECONDS:
            break
        try:
            async with connection.transaction():
                if constants:
                    found = await identifier_with_constants(
                        connection, prepared.normalised, types, constants, n
                    )
                else:
                    found = await identifier_as(connection, replace(prepared, types=types), n)
                if found == wanted:
                    return True, {**inferred, **types}
        except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError):
            continue  # no operator for these types
    return False, None


def _readings(inferred: Mapping[int, str]) -> Iterator[tuple[dict[int, str], dict[int, str]]]:
    """Ways to read a normalised text: types of its parameters, and of what was a constant in the program.

    pg_stat_statements numbers constants after the parameters that the program sent.
    """
    for types in candidates(inferred):
        yield types, {}
    for last in range(len(inferred) - 1, 0, -1):
        sent = {number: kind for number, kind in inferred.items() if number <= last}
        rest = {number: _as_constant(kind) for number, kind in inferred.items() if number > last}
        for types in (sent, *candidates(sent)):
            yield types, rest
    yield {}, {number: _as_constant(kind) for number, kind in inferred.items()}


def _as_constant(kind: str) -> str:
    """The type of a number in a statement's text; '' for a quoted constant, which takes what is wanted."""
    return "integer" if kind in _FAMILIES[0] else ""


def candidates(inferred: Mapping[int, str]) -> Iterator[dict[int, str]]:
    """Other types for the parameters: all of a family alike first, then mixed; never `inferred`."""
    seen = [dict(inferred)]
    uniform = (
        {number: _as(kind, one, family) for number, kind in inferred.items()}
        for family in _FAMILIES
        for one in family
    )
    mixed = (
        dict(zip(inferred, kinds, strict=True)) for kinds in product(*map(_alternatives, inferred.values()))
    )
    for source in (uniform, mixed):
        for types in source:
            if len(seen) > _MOST:
                return
            if types not in seen:
                seen.append(types)
                yield types


def _as(kind: str, other: str, family: tuple[str, ...]) -> str:
    """The other type of a family for a type of it, an array of it for an array."""
    bare = kind.removesuffix("[]")
    return other + kind[len(bare) :] if bare in family else kind


def _alternatives(kind: str) -> list[str]:
    bare = kind.removesuffix("[]")
    family = next((family for family in _FAMILIES if bare in family), (bare,))
    return [kind, *(other for one in family if (other := one + kind[len(bare) :]) != kind)]


def fit(types: Mapping[int, str], values: Mapping[int, str | None]) -> bool:
    """Whether the values can be of the types: a program sends large numbers as another type."""
    for number, kind in types.items():
        value, most = values.get(number), _RANGES.get(kind)
        if value is None or most is None:
            continue
        try:
            if not -most <= int(value) < most:
                return False
        except ValueError:
            return False
    return True


def told(learned: Mapping[int, str]) -> str:
    """In words, for the person."""
    listed = ", ".join(f"${number} {kind}" for number, kind in sorted(learned.items()))
    return f"parameters have the types that the program sends: {listed}"
