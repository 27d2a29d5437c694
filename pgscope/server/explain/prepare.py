"""PREPARE as the last guard and as the way to a plan: the server itself says that it is one statement.

The text is sent only as a prepared statement (the extended protocol refuses a second one in it), with one
exception: EXPLAIN (GENERIC_PLAN) needs the simple protocol, and comes only after PREPARE took the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field

import psycopg
from pglast import parser
from psycopg import sql

from pgscope.dataclass import dataclass
from pgscope.sample import OWN_EXPLAIN
from pgscope.server.connection import Connection
from pgscope.server.explain.circumstances import set_local
from pgscope.server.explain.columns import nodes
from pgscope.server.explain.normalised import Normalised, array_probe

_EXPLAIN = sql.SQL(OWN_EXPLAIN)
_IDENTIFIER = sql.SQL("VERBOSE, FORMAT JSON")
_NAME = sql.Identifier("pgscope_explain")
_PROBE = sql.Identifier("pgscope_probe")
PREFIX = len('PREPARE "pgscope_explain" AS ')
"""What stands before the text in what is sent, where no types are declared."""
# regtype's text is quoted and qualified as the search_path needs it.
_TYPES = (
    "SELECT parameter_types::pg_catalog.text[] FROM pg_catalog.pg_prepared_statements"
    " WHERE name OPERATOR(pg_catalog.=) %s::pg_catalog.text"
)
_UNTYPED = re.compile(r"\$(\d+)")


@dataclass
class Prepared:
    """A text that PREPARE took, with the types that had to be declared for it."""

    normalised: Normalised
    types: dict[int, str] = field(default_factory=dict)
    learned: Mapping[int, str] = field(default_factory=dict)
    """Those that the program sends, where they differ from what the server would take."""
    unpruned: bool = False
    """Whether its generic plan names all partitions, because NULLs in place of values ruled out too many."""


def as_sql(text: str) -> sql.SQL:
    """A whole statement as a composable: it is sent as it is, which the guards before this allow."""
    return sql.SQL(text)


async def prepare(connection: Connection, normalised: Normalised) -> Prepared:
    """PREPARE the text, declaring types only where the server cannot tell them. Raises psycopg.Error."""
    prepared = Prepared(normalised)
    try:
        await _learn(connection, _NAME, normalised.text, prepared)
    except psycopg.errors.UndefinedFunction:
        if not await _probe(connection, prepared):
            raise
        await _learn(connection, _NAME, normalised.text, prepared)
    return prepared


async def _learn(connection: Connection, name: sql.Identifier, text: str, prepared: Prepared) -> None:
    """PREPARE, with text for each parameter whose type the server asks for."""
    while True:
        try:
            async with connection.transaction():
                await _prepare(connection, name, text, _declared(prepared))
            return
        except psycopg.errors.IndeterminateDatatype as error:
            untyped = _UNTYPED.search(error.diag.message_primary or "")
            number = int(untyped.group(1)) if untyped else 0
            if number not in prepared.normalised.parameters or number in prepared.types:
                raise
            # Arguments of type "any", as in concat($1): any literal does.
            prepared.types[number] = "text"


async def _prepare(connection: Connection, name: sql.Identifier, text: str, types: Sequence[str]) -> None:
    declared: sql.Composable = sql.SQL("")
    if types:
        declared = sql.SQL("({})").format(sql.SQL(", ").join(as_sql(kind) for kind in types))
    statement = sql.SQL("PREPARE {}{} AS {}").format(name, declared, as_sql(text))
    await connection.execute(statement, prepare=True)


def _declared(prepared: Prepared) -> list[str]:
    if not prepared.types:
        return []
    return [prepared.types.get(number, "unknown") for number in range(1, max(prepared.types) + 1)]


async def prepare_again(connection: Connection, prepared: Prepared) -> None:
    """PREPARE anew, under the settings that hold now, with the types declared. Raises psycopg.Error.

    Needed after a savepoint was rolled back, too: psycopg then deallocates all that was prepared.
    """
    await connection.execute("DEALLOCATE ALL", prepare=False)
    await _prepare(connection, _NAME, prepared.normalised.text, _declared(prepared))


async def parameter_types(connection: Connection) -> dict[int, str]:
    """The types of the parameters of what was prepared."""
    cursor = await connection.execute(_TYPES, ("pgscope_explain",), prepare=False)
    row = await cursor.fetchone()
    return dict(enumerate(row[0] if row else (), 1))


def identifier(document: object) -> int | None:
    """The Query Identifier of a plan's JSON."""
    whole = document[0] if isinstance(document, list) and document else document
    found = whole.get("Query Identifier") if isinstance(whole, Mapping) else None
    return found if isinstance(found, int) else None


async def identifier_as(connection: Connection, prepared: Prepared, n: int = 0) -> int | None:
    """The Query Identifier of what was prepared; with `n`, of the text with its types, as a probe of its own.

    Probes end with the connection: neither PREPARE nor DEALLOCATE is rolled back. Raises psycopg.Error.
    """
    name = _NAME
    if n:
        name = sql.Identifier(f"pgscope_probe_{n}")
        await _prepare(connection, name, prepared.normalised.text, _declared(prepared))
    parameters = dict.fromkeys(prepared.normalised.parameters)
    return identifier(await _execute(connection, _IDENTIFIER, parameters, name))


async def identifier_with_constants(
    connection: Connection,
    normalised: Normalised,
    types: Mapping[int, str],
    constants: Mapping[int, str],
    n: int,
) -> int | None:
    """The Query Identifier of the text with some of its parameters put back as the constants they were.

    `types` are those of the parameters that stay, from $1 on, `constants` those of the others: '' for one
    that takes its type from where it stands. `n` names the probe. Raises psycopg.Error.
    """
    text = normalised.text
    for token in reversed(parser.scan(text)):
        if token.name == "PARAM" and (number := int(text[token.start + 1 : token.end + 1])) in constants:
            null = f"(NULL::{constants[number]})" if constants[number] else "NULL"
            text = text[: token.start] + null + text[token.end + 1 :]
    name = sql.Identifier(f"pgscope_probe_{n}")
    await _prepare(connection, name, text, [types[number] for number in sorted(types)])
    return identifier(await _execute(connection, _IDENTIFIER, dict.fromkeys(types), name))


async def _probe(connection: Connection, prepared: Prepared) -> bool:
    """Learn the element types of `= ANY (ARRAY[$1, ...])` from the same text with IN."""
    text = array_probe(prepared.normalised)
    if text is None:
        return False
    try:
        async with connection.transaction():
            await _learn(connection, _PROBE, text, prepared)
            cursor = await connection.execute(_TYPES, ("pgscope_probe",), prepare=False)
            row = await cursor.fetchone()
            await connection.execute(sql.SQL("DEALLOCATE {}").format(_PROBE), prepare=False)
    except psycopg.errors.SyntaxErrorOrAccessRuleViolation:
        return False
    found = dict(enumerate(row[0] if row else (), 1))
    changed = found != prepared.types
    prepared.types = found
    return changed


async def generic(connection: Connection, prepared: Prepared, version: int) -> object:
    """The generic plan: from 16 by GENERIC_PLAN, which prunes no partition by a NULL; before by EXECUTE."""
    options = _options(analyze=False)
    if version >= 160000 and prepared.normalised.parameters and not prepared.types:
        statement = sql.SQL("{} (GENERIC_PLAN, {}) {}").format(
            _EXPLAIN, options, as_sql(prepared.normalised.text)
        )
        return _document(await connection.execute(statement, prepare=False))
    await set_local(connection, "plan_cache_mode", "force_generic_plan")
    document = await _execute(connection, options, dict.fromkeys(prepared.normalised.parameters))
    if any("Subplans Removed" in node for node in nodes(document)):
        prepared.unpruned = True
        await set_local(connection, "enable_partition_pruning", "off")
        await prepare_again(connection, prepared)
        document = await _execute(connection, options, dict.fromkeys(prepared.normalised.parameters))
        await set_local(connection, "enable_partition_pruning", "on")
        await prepare_again(connection, prepared)
    return document


async def custom(connection: Connection, values: Mapping[int, str | None], *, analyze: bool) -> object:
    """The plan of the prepared text for these values; with `analyze`, the statement runs."""
    await set_local(connection, "plan_cache_mode", "force_custom_plan")
    return await _execute(connection, _options(analyze=analyze), values)


async def _execute(
    connection: Connection,
    options: sql.SQL,
    values: Mapping[int, str | None],
    name: sql.Identifier = _NAME,
) -> object:
    arguments: sql.Composable = sql.SQL("")
    if values:
        numbers = range(1, max(values) + 1)
        arguments = sql.SQL("({})").format(
            sql.SQL(", ").join(sql.Literal(values.get(number)) for number in numbers)
        )
    statement = sql.SQL("{} ({}) EXECUTE {}{}").format(_EXPLAIN, options, name, arguments)
    return _document(await connection.execute(statement, prepare=True))


async def with_literals(connection: Connection, normalised: Normalised, types: Mapping[int, str]) -> object:
    """The plan with NULL for each parameter, whose Query Identifier is that of the text with its literals.

    The server leaves a literal's value out of the identifier, but tells a literal from a parameter. With
    `types` each is cast to the one that PREPARE found: right for some texts, wrong for others. None if such
    a text cannot be planned.
    """
    text = normalised.text
    for token in reversed(parser.scan(text)):
        if token.name == "PARAM":
            kind = types.get(int(text[token.start + 1 : token.end + 1]), "unknown")
            null = f"(NULL::{kind})" if types else "NULL"
            text = text[: token.start] + null + text[token.end + 1 :]
    statement = sql.SQL("{} ({}) {}").format(_EXPLAIN, _IDENTIFIER, as_sql(text))
    try:
        async with connection.transaction():
            return _document(await connection.execute(statement, prepare=True))
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError):
        return None


def _options(*, analyze: bool) -> sql.SQL:
    if analyze:
        return sql.SQL("ANALYZE, BUFFERS, VERBOSE, SETTINGS, WAL, FORMAT JSON")
    return sql.SQL("VERBOSE, SETTINGS, SUMMARY, FORMAT JSON")


def _document(cursor: psycopg.AsyncCursor[tuple[object, ...]]) -> object:
    """The JSON by its bytes: names in it may be of any encoding."""
    raw = cursor.pgresult.get_value(0, 0) if cursor.pgresult is not None else None
    document: object = json.loads((raw or b"null").decode("utf-8", "replace"))
    return document
