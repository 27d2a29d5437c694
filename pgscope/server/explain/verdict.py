"""Whether a statement may be planned or run, from what it reaches. Pure: the same facts, the same verdict."""

from __future__ import annotations

from pgscope.server.explain.facts import CatalogFacts, FunctionFact
from pgscope.server.explain.request import Lift, Obstacle

_ASKED = frozenset({Lift.FUNCTIONS})
_AWAY = frozenset({Lift.ELSEWHERE})
_BOTH = frozenset({Lift.FUNCTIONS, Lift.ELSEWHERE})


def to_plan(facts: CatalogFacts) -> list[Obstacle]:
    """What stands in the way of plain EXPLAIN: planning runs functions that are not volatile."""
    found = [
        Obstacle(f"planning may run {_described(function)}", function.position, _ASKED)
        for function in facts.functions
        if function.user_defined or (function.dangerous and function.volatility != "v")
    ]
    found += [
        Obstacle(f"{what} cannot be read, so what it calls is not known", place, _ASKED)
        for what, place in facts.unreadable
    ]
    return _once(found)


def to_run(facts: CatalogFacts) -> list[Obstacle]:
    """What stands in the way of EXPLAIN ANALYZE, which runs the statement."""
    found: list[Obstacle] = []
    for function in facts.functions:
        if function.user_defined or function.dangerous:
            found.append(Obstacle(f"it may call {_described(function)}", function.position, _BOTH))
        elif function.volatility == "v":
            found.append(Obstacle(f"it may call {_described(function)}", function.position, _AWAY))
    found += [
        Obstacle(f"reading foreign table {table.name} starts a program on the server", table.position, _BOTH)
        for table in facts.foreign
        if table.program
    ]
    found += [
        Obstacle(f"{what} cannot be read, so what it calls is not known", place, _BOTH)
        for what, place in facts.unreadable
    ]
    return _once(found)


def unknowns(facts: CatalogFacts, analyze: bool) -> list[str]:
    """What the catalog cannot tell, in words for the person."""
    return [
        f"foreign table {table.name} ({table.wrapper}): what its own server runs"
        f" {'is not known' if analyze else 'while planning is not known'}"
        for table in facts.foreign
        if not table.program
    ]


def _described(function: FunctionFact) -> str:
    if function.user_defined:
        kind = f"the user-defined function {function.name}"
    elif function.dangerous:
        kind = f"{function.name}, which is refused by name"
        if function.extension:
            kind = f"{function.name} of extension {function.extension}, which is refused by name"
    else:
        kind = f"the volatile function {function.name}"
    return f"{kind}, behind {function.via}" if function.via else kind


def _once(obstacles: list[Obstacle]) -> list[Obstacle]:
    return list(dict.fromkeys(obstacles))
