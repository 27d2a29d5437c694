"""Columns of a plan's conditions that an index could serve, from the expression text that EXPLAIN prints."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pglast
from pglast import ast, visitors
from pglast.enums import A_Expr_Kind, BoolExprType
from pglast.keywords import RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

from pgscope.dataclass import dataclass

_PLACEHOLDERS = re.compile(r"\((?:hashed )?SubPlan \d+\)(?:\.col\d+)?|\(?(?:InitPlan|SubPlan) \d+\)?\.col\d+")
_HIDDEN = re.compile(r"(?:(?<=[(\[,])|(?<=[-+*/<>=~!@#%^&|] ))\?|\?(?=::|[),\]]|\Z)")
"""What stands for a literal in a plan that was kept; `?` between two operands is an operator of jsonb."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_EQUALITIES = (A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_OP_ANY, A_Expr_Kind.AEXPR_IN)
_RANGE = frozenset({"<", ">", "<=", ">="})


@dataclass(frozen=True)
class Usable:
    """Index columns (or expressions in brackets), quoted where needed: compared by equality, and by range."""

    equal: tuple[str, ...] = ()
    ranged: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """In index order: equalities, then one range."""
        return tuple(dict.fromkeys((*self.equal, *self.ranged[:1])))


def usable(expression: str, alias: str) -> Usable:
    """What of a condition on the relation known as `alias` an index could look up; empty if unclear."""
    try:
        parsed = _parsed(expression)
    except (pglast.parser.ParseError, RecursionError, ValueError):
        return Usable()
    select = parsed[0].stmt if len(parsed) == 1 else None
    if not isinstance(select, ast.SelectStmt) or not select.targetList:
        return Usable()
    equal: list[str] = []
    ranged: list[str] = []
    for term in _terms(select.targetList[0].val):
        _sort_in(term, alias, equal, ranged)
    return Usable(
        tuple(dict.fromkeys(equal)), tuple(column for column in dict.fromkeys(ranged) if column not in equal)
    )


def _parsed(expression: str) -> tuple[ast.RawStmt, ...]:
    """An expression of a plan as a statement. Raises ParseError."""
    plain = _HIDDEN.sub("NULL", _PLACEHOLDERS.sub("NULL", expression))
    return pglast.parse_sql(f"SELECT {plain}")


def _terms(node: object) -> Iterator[object]:
    if isinstance(node, ast.BoolExpr) and node.boolop == BoolExprType.AND_EXPR:
        for arg in node.args or ():
            yield from _terms(arg)
    else:
        yield node


def _sort_in(term: object, alias: str, equal: list[str], ranged: list[str]) -> None:
    if not isinstance(term, ast.A_Expr) or not term.name:
        return
    operator = _names(term.name)[-1]
    left, right = _column(term.lexpr, alias), _column(term.rexpr, alias)
    column = left or right
    if column is None or (left and right):
        return
    if term.kind in _EQUALITIES and operator == "=":
        equal.append(column)
    elif term.kind == A_Expr_Kind.AEXPR_OP and operator in _RANGE:
        ranged.append(column)


def _column(node: object, alias: str) -> str | None:
    """The column (or one-column function call) of this relation, seen through collations and text casts."""
    while isinstance(node, ast.CollateClause) or (isinstance(node, ast.TypeCast) and _relabels(node)):
        node = node.arg
    if isinstance(node, ast.ColumnRef):
        names = _names(node.fields)
        if not names or names[-1] == "*" or (len(names) > 1 and names[-2] != alias):
            return None
        return quoted(names[-1])
    if isinstance(node, ast.FuncCall) and node.args is not None and len(node.args) == 1:
        inner = _column(node.args[0], alias)
        if inner is None or inner.startswith("("):
            return None
        return f"({'.'.join(quoted(name) for name in _names(node.funcname))}({inner}))"
    return None


def _relabels(cast: ast.TypeCast) -> bool:
    """Whether an index on the column still serves the cast: between the text types, sharing operators."""
    return cast.typeName is not None and _names(cast.typeName.names)[-1:] in (
        ["text"],
        ["bpchar"],
        ["varchar"],
    )


def _names(parts: tuple[object, ...] | None) -> list[str]:
    """A dotted name's parts; a star stays a star."""
    return [(part.sval or "") if isinstance(part, ast.String) else "*" for part in parts or ()]


def column_count(expression: str, alias: str) -> int:
    """How many different columns of the relation the expression names; 0 if it cannot be read."""
    try:
        parsed = _parsed(expression)
    except (pglast.parser.ParseError, RecursionError, ValueError):
        return 0
    found: set[str] = set()

    class Columns(visitors.Visitor):
        def visit_ColumnRef(self, _: object, node: ast.ColumnRef) -> None:
            names = _names(node.fields)
            if names and (len(names) == 1 or names[-2] == alias):
                found.add(names[-1])

    Columns()(parsed)
    return len(found)


def quoted(name: str) -> str:
    """An identifier as it must be written in SQL."""
    reserved = name in RESERVED_KEYWORDS or name in TYPE_FUNC_NAME_KEYWORDS
    if _PLAIN.match(name) and not reserved:
        return name
    return '"' + name.replace('"', '""') + '"'


def relation_name(schema: str, relation: str) -> str:
    """A table as it must be written in SQL; the schema is left out when it is `public`."""
    return quoted(relation) if schema in ("", "public") else f"{quoted(schema)}.{quoted(relation)}"


__all__ = ["Usable", "column_count", "quoted", "relation_name", "usable"]
