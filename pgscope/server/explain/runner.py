"""EXPLAIN from start to end: guards, a connection of its own, a transaction that is rolled back, a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

import psycopg
from psycopg.rows import TupleRow

from pgscope.dataclass import dataclass
from pgscope.errors import ConnectionFailed
from pgscope.server.connection import Connection, answered, connect
from pgscope.server.conninfo import Target
from pgscope.server.explain import statement
from pgscope.server.explain.circumstances import Circumstances, first_line
from pgscope.server.explain.memory import Failures
from pgscope.server.explain.normalised import Normalised, rewrite
from pgscope.server.explain.prepare import generic
from pgscope.server.explain.request import (
    ExplainRequest,
    ExplainResult,
    Lift,
    Obstacle,
    Origin,
    Pick,
    Refused,
)
from pgscope.server.explain.session import Session, Started


@dataclass(frozen=True)
class Offer:
    """What is known before running: circumstances, and the values to choose from for each parameter."""

    started: Started
    parameters: tuple[int, ...]
    choices: Mapping[int, Mapping[Pick, Origin]]
    generic: ExplainResult
    obstacles: tuple[Obstacle, ...]
    """What stands in the way of running it, for the panel that asks; empty if it may run."""
    lists: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The elements of each list that the server merged into one parameter, the parameter itself first."""


async def explain(
    request: ExplainRequest,
    target: Target,
    *,
    home: str | None = None,
    failures: Failures | None = None,
    on_start: Callable[[Started], None] | None = None,
) -> ExplainResult:
    """Explain a statement on the target.

    With `request.elsewhere` the target is the other server, and `home` the `identity` of the one watched.
    Cancelling the task cancels the statement on the server. Raises Refused, ExplainFailed, ConnectionFailed.
    """
    parsed, normalised = _checked(request, failures, target)
    async with Session(request, target, failures) as session:
        circumstances, obstacles = await session.enter(parsed, home)
        refuse(obstacles, request)
        if on_start is not None:
            on_start(session.started(circumstances))
        return await _plan(session, request, parsed, normalised, circumstances)


async def offer(
    request: ExplainRequest, target: Target, *, home: str | None = None, failures: Failures | None = None
) -> Offer:
    """Plan generically, and say what ANALYZE would need: values to choose from, and what stands in its way.

    Raises as `explain` does for a plain EXPLAIN of the same text.
    """
    plain = ExplainRequest(**{**vars(request), "analyze": False})
    run = ExplainRequest(**{**vars(request), "analyze": True})
    parsed, normalised = _checked(plain, failures, target)
    async with Session(plain, target, failures) as session:
        circumstances, obstacles = await session.enter(parsed, home)
        refuse(obstacles, plain)
        prepared = await session.prepare(normalised, circumstances)
        document, found = await session.choices(parsed, prepared, circumstances)
        is_generic = bool(normalised.parameters)
        result = await session.result(document, prepared, circumstances, {}, is_generic=is_generic)
        standing = statement.obstacles(parsed) + session.to_run(circumstances)
        return Offer(
            session.started(circumstances),
            normalised.parameters,
            found,
            result,
            left_over(standing, run),
            normalised.lists,
        )


async def _plan(
    session: Session,
    request: ExplainRequest,
    parsed: statement.Statement,
    normalised: Normalised,
    circumstances: Circumstances,
) -> ExplainResult:
    """The plan that was asked for: generic, or with values, run or not."""
    prepared = await session.prepare(normalised, circumstances)
    values = given_values(request, normalised)
    missing = [number for number in normalised.parameters if number not in values]
    if missing and request.pick is not None:
        _, found = await session.choices(parsed, prepared, circumstances)
        for number in missing:
            picked = found.get(number, {}).get(request.pick)
            if picked is not None:
                values[number] = picked
        missing = [number for number in missing if number not in values]
    if missing and request.analyze:
        names = ", ".join(f"${number}" for number in missing)
        raise Refused((Obstacle(f"no value for {names}: give one with --value {missing[0]}=..."),))
    if missing:
        document = await session.on_server(generic(session.connection, prepared, circumstances.version))
        return await session.result(document, prepared, circumstances, {}, is_generic=True)
    texts = {number: origin.value for number, origin in values.items()}
    document = await session.custom(prepared, texts)
    return await session.result(document, prepared, circumstances, values, is_generic=False)


async def identity(target: Target) -> str:
    """What tells the target's server from any other. Raises ConnectionFailed."""
    connection = await connect(target)
    try:
        row = await answered(target, _identity(connection))
    except psycopg.Error as error:
        raise ConnectionFailed(f"cannot use {target}: {first_line(error)}") from None
    finally:
        await connection.close()
    found = row[0] if row else ""
    return found.decode() if isinstance(found, bytes) else str(found)


async def _identity(connection: Connection) -> TupleRow | None:
    cursor = await connection.execute(
        "SELECT pg_postmaster_start_time()::text || ' ' || current_setting('port')", prepare=False
    )
    return await cursor.fetchone()


def _checked(
    request: ExplainRequest, failures: Failures | None, target: Target
) -> tuple[statement.Statement, Normalised]:
    """All that can be known without a server. Raises Refused, or a failure that is remembered."""
    parsed = statement.read(request.text, request.text_limit)
    if request.analyze:
        refuse(statement.obstacles(parsed), request)
    known = failures.recall(str(target), request) if failures is not None else None
    if known is not None:
        raise known
    numbers = statement.parameters(parsed)
    unknown = [number for number in request.values if number not in numbers]
    if unknown:
        raise Refused((Obstacle(f"the statement has no ${unknown[0]}"),))
    values = request.values.items()
    lengths = {number: len(value) for number, value in values if isinstance(value, tuple) and value}
    return parsed, rewrite(parsed, request.list_length, lengths)


def given_values(request: ExplainRequest, normalised: Normalised) -> dict[int, Origin]:
    """The values of the request by parameter, those of a list spread over its elements."""
    found: dict[int, Origin] = {}
    for number, value in request.values.items():
        elements = value if isinstance(value, tuple) else (value,)
        for place, element in enumerate(normalised.lists.get(number, (number,))):
            found[element] = Origin(elements[min(place, len(elements) - 1)] if elements else None, "given")
    return found


def left_over(obstacles: Iterable[Obstacle], request: ExplainRequest) -> tuple[Obstacle, ...]:
    """The obstacles that the request does not lift."""
    lifted = {
        lift
        for lift, given in (
            (Lift.FUNCTIONS, request.allow_functions),
            (Lift.SUPERUSER, request.allow_superuser_analyze),
            (Lift.ELSEWHERE, request.elsewhere),
        )
        if given
    }
    return tuple(obstacle for obstacle in obstacles if not obstacle.lifts or not obstacle.lifts <= lifted)


def refuse(obstacles: Iterable[Obstacle], request: ExplainRequest) -> None:
    """Raise Refused for what the request does not lift."""
    left = left_over(obstacles, request)
    if left:
        raise Refused(left)
