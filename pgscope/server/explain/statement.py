"""The text as one parsed statement, or a refusal that says why it is none."""

from __future__ import annotations

import re
from typing import NoReturn

import pglast
from pglast import ast, enums

from pgscope.dataclass import dataclass
from pgscope.server.explain.reach import walk
from pgscope.server.explain.request import Lift, Obstacle, Refused
from pgscope.text import is_truncated

LONGEST = 200_000
"""Characters; a longer text is not parsed."""

_KINDS: dict[type[ast.Node], str] = {
    ast.SelectStmt: "SELECT",
    ast.InsertStmt: "INSERT",
    ast.UpdateStmt: "UPDATE",
    ast.DeleteStmt: "DELETE",
    ast.MergeStmt: "MERGE",
}
_WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)
_LOCKS = {1: "FOR KEY SHARE", 2: "FOR SHARE", 3: "FOR NO KEY UPDATE", 4: "FOR UPDATE"}


@dataclass(frozen=True)
class Statement:
    """One statement that EXPLAIN can take; `text` has no semicolon, `start` is its place."""

    text: str
    start: int
    kind: str
    tree: ast.Node

    @property
    def writes(self) -> bool:
        """Whether its top level writes."""
        return self.kind != "SELECT"


def read(text: str, limit: int | None = None) -> Statement:
    """Parse a text; `limit` is track_activity_query_size for one of pg_stat_activity. Raises Refused."""
    if not text.strip():
        _refuse("there is no statement")
    if "\0" in text:
        _refuse("a zero byte stands in the text", text.index("\0"))
    if text.strip() == "<insufficient privilege>":
        _refuse("the text is hidden from this role: GRANT pg_read_all_stats (or pg_monitor) to see it")
    if limit is not None and is_truncated(text, limit):
        _refuse(
            f"the text is cut off at {limit - 1} bytes (track_activity_query_size)",
            len(text) - 1,
        )
    if len(text) > LONGEST:
        _refuse(f"the text is longer than {LONGEST:,} characters", LONGEST)
    try:
        parsed = pglast.parse_sql(text)
    except pglast.parser.ParseError as error:
        message = str(error.args[0]) if error.args else "syntax error"
        location = getattr(error, "location", None)
        _refuse(f"it does not parse: {message}", location if isinstance(location, int) else None)
    except RecursionError:
        _refuse("it is nested too deeply to be checked")
    if not parsed:
        _refuse("there is no statement, only a comment")
    if len(parsed) > 1:
        second = parsed[1].stmt_location or 0
        second += len(text[second:]) - len(text[second:].lstrip())
        _refuse(f"it holds {len(parsed)} statements; only one can be explained", second)
    raw = parsed[0]
    start, end = raw.stmt_location or 0, (raw.stmt_location or 0) + (raw.stmt_len or len(text))
    if ";" not in text[:start]:
        # What stands before is a comment, which may be a planner hint.
        start = 0
    body = text[start:end]
    tree = raw.stmt
    kind = _KINDS.get(type(tree)) if tree is not None else None
    if tree is None or kind is None:
        _refuse(f"{utility_name(tree)} is a utility statement: it has no plan", _first_word(text, start))
    for node in walk(tree):
        if isinstance(node, ast.IntoClause):
            place = node.rel.location if node.rel is not None else None
            _refuse("SELECT INTO makes a table: leave INTO out", place)
    return Statement(body, start, kind, tree)


def obstacles(statement: Statement) -> list[Obstacle]:
    """What in the statement's form keeps it from being run: writes and locks, which another server may do."""
    found: list[Obstacle] = []
    lifts = frozenset({Lift.ELSEWHERE})
    if statement.writes:
        place = statement.start + _first_word(statement.text, 0)
        found.append(Obstacle(f"{statement.kind} writes: it may be planned, not run", place, lifts))
    for node in walk(statement.tree):
        if isinstance(node, _WRITES) and node is not statement.tree:
            name = _KINDS[type(node)]
            target = node.relation.location if node.relation is not None else None
            found.append(Obstacle(f"a WITH query that writes ({name})", target, lifts))
        elif isinstance(node, ast.LockingClause):
            strength = _LOCKS.get(int(node.strength or 0), "a locking clause")
            found.append(Obstacle(f"{strength} locks rows", _last_place(statement, strength), lifts))
    return found


def parameters(statement: Statement) -> tuple[int, ...]:
    """The numbers of the parameters, in order."""
    return tuple(
        sorted({node.number or 0 for node in walk(statement.tree) if isinstance(node, ast.ParamRef)})
    )


def utility_name(tree: object) -> str:
    """The command as it is written, from the name of its node: CREATE TABLE AS, COPY, CALL."""
    if isinstance(tree, ast.CreateTableAsStmt):
        return (
            "CREATE MATERIALIZED VIEW"
            if tree.objtype == enums.ObjectType.OBJECT_MATVIEW
            else "CREATE TABLE AS"
        )
    if isinstance(tree, ast.TransactionStmt):
        return "a transaction command"
    if isinstance(tree, ast.VariableSetStmt):
        return "SET"
    name = type(tree).__name__.removesuffix("Stmt")
    return "".join(f" {char}" if char.isupper() else char for char in name).strip().upper()


def _first_word(text: str, start: int) -> int:
    rest = text[start:]
    return start + len(rest) - len(rest.lstrip())


def _last_place(statement: Statement, words: str) -> int | None:
    found = list(re.finditer(words.replace(" ", r"\s+"), statement.text, re.IGNORECASE))
    return statement.start + found[-1].start() if found else None


def _refuse(reason: str, position: int | None = None) -> NoReturn:
    raise Refused((Obstacle(reason, position),))
