"""Columns of a plan's conditions that an index could serve, from the expression text that EXPLAIN prints."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pglast
from pglast import ast, visitors
from pglast.enums import A_Expr_Kind, BoolExprType, SortByDir, SortByNulls
from pglast.keywords import RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

from pgscope.dataclass import dataclass

_PLACEHOLDERS = re.compile(r"\((?:hashed )?SubPlan \d+\)(?:\.col\d+)?|\(?(?:InitPlan|SubPlan) \d+\)?\.col\d+")
_HIDDEN = re.compile(r"(?:(?<=[(\[,])|(?<=[-+*/<>=~!@#%^&|] ))\?|\?(?=::|[),\]]|\Z)")
"""What stands for a literal in a plan that was kept; `?` between two operands is an operator of jsonb."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_EQUALITIES = (A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_OP_ANY, A_Expr_Kind.AEXPR_IN)
_RANGE = frozenset({"<", ">", "<=", ">="})
_DIRECTIONS = {SortByDir.SORTBY_DESC: " DESC"}
_NULLS = {SortByNulls.SORTBY_NULLS_FIRST: " NULLS FIRST", SortByNulls.SORTBY_NULLS_LAST: " NULLS LAST"}
_SYSTEM = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})
"""Columns that no index can be on."""
_EACH_ROW = frozenset({"SubPlan", "clock_timestamp", "gen_random_uuid", "nextval", "random", "timeofday"})
"""Functions of which no index looks up what they return, for it may be another for each row."""
_IMMUTABLE = frozenset(
    {"abs", "bit_length", "btrim", "ceil", "char_length", "character_length", "floor", "initcap", "length"}
    | {"lower", "ltrim", "md5", "octet_length", "reverse", "round", "rtrim", "trunc", "upper"}
)
"""Functions of one argument that an index may hold; date() and unaccent(), say, it may not."""


@dataclass(frozen=True)
class Usable:
    """Index columns (or expressions in brackets), quoted where needed: compared by equality, and by range."""

    equal: tuple[str, ...] = ()
    ranged: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    """Those of them that the condition casts to text: a no-op for a text type, but of another type the index
    would not serve. The expression does not tell which it is."""
    listed: tuple[str, ...] = ()
    """Those compared with a list: what an index finds for several values is not in order beyond them."""

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
    found = _Found()
    for term in _terms(select.targetList[0].val):
        _sort_in(term, alias, found)
    return Usable(
        tuple(found.equal),
        tuple(column for column in found.ranged if column not in found.equal),
        tuple(found.cast),
        tuple(found.listed),
    )


class _Found:
    """Columns in the order in which they were found, each once."""

    def __init__(self) -> None:
        self.equal: dict[str, None] = {}
        self.ranged: dict[str, None] = {}
        self.cast: dict[str, None] = {}
        self.listed: dict[str, None] = {}


def _parsed(expression: str) -> tuple[ast.RawStmt, ...]:
    """An expression of a plan as a statement. Raises ParseError."""
    plain = _HIDDEN.sub("NULL", _PLACEHOLDERS.sub(_stand_in, expression))
    return pglast.parse_sql(f"SELECT {plain}")


def _stand_in(placeholder: re.Match[str]) -> str:
    """An init plan has run before; a sub-plan that did not become one asks for something of the row."""
    return '(SELECT "SubPlan"())' if "SubPlan" in placeholder[0] else "NULL"


def _terms(node: object) -> Iterator[object]:
    if isinstance(node, ast.BoolExpr) and node.boolop == BoolExprType.AND_EXPR:
        for arg in node.args or ():
            yield from _terms(arg)
    else:
        yield node


def _sort_in(term: object, alias: str, found: _Found) -> None:
    if not isinstance(term, ast.A_Expr) or not term.name:
        return
    operator = _names(term.name)[-1]
    side: object = term.lexpr
    other: object = term.rexpr
    if _column(side, alias) is None and term.kind == A_Expr_Kind.AEXPR_OP:
        side, other = other, side
    column = _column(side, alias)
    # An index looks up what is known before the row is read.
    if column is None or _columns(other, alias) or _changes(other):
        return
    if term.kind in _EQUALITIES and operator == "=":
        found.equal[column] = None
        if term.kind != A_Expr_Kind.AEXPR_OP:
            found.listed[column] = None
    elif term.kind == A_Expr_Kind.AEXPR_OP and operator in _RANGE:
        found.ranged[column] = None
    else:
        return
    if any(isinstance(node, ast.TypeCast) for node in _inside(side)):
        found.cast[column] = None


def _inside(node: object) -> Iterator[object]:
    """What `_column` looks through, down to the column."""
    while node is not None:
        yield node
        if isinstance(node, ast.FuncCall):
            node = node.args[0] if node.args else None
        else:
            node = getattr(node, "arg", None)


def _column(node: object, alias: str) -> str | None:
    """The column (or one-column function call) of this relation, seen through collations and text casts."""
    while isinstance(node, ast.CollateClause) or (isinstance(node, ast.TypeCast) and _relabels(node)):
        node = node.arg
    if isinstance(node, ast.ColumnRef):
        names = _names(node.fields)
        if not names or names[-1] in ("*", *_SYSTEM) or (len(names) > 1 and names[-2] != alias):
            return None
        return quoted(names[-1])
    if isinstance(node, ast.FuncCall) and node.args is not None and len(node.args) == 1:
        inner = _column(node.args[0], alias)
        function = _names(node.funcname)  # one of another schema is not the server's
        if inner is None or inner.startswith("(") or len(function) > 1 or function[0] not in _IMMUTABLE:
            return None
        return f"({function[0]}({inner}))"
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
        return len(_columns(_parsed(expression), alias))
    except (pglast.parser.ParseError, RecursionError, ValueError):
        return 0


def _columns(tree: object, alias: str) -> set[str]:
    """The columns of the relation that a tree names."""
    found: set[str] = set()

    class Columns(visitors.Visitor):
        def visit_ColumnRef(self, _: object, node: ast.ColumnRef) -> None:
            names = _names(node.fields)
            if names and (len(names) == 1 or names[-2] == alias):
                found.add(names[-1])

    if isinstance(tree, (ast.Node, tuple)):
        Columns()(tree)
    return found


def _changes(tree: object) -> bool:
    """Whether what a tree comes to may be another for each row."""
    found: list[str] = []

    class Calls(visitors.Visitor):
        def visit_FuncCall(self, _: object, node: ast.FuncCall) -> None:
            found.append(_names(node.funcname)[-1])

    if isinstance(tree, (ast.Node, tuple)):
        Calls()(tree)
    return not _EACH_ROW.isdisjoint(found)


def sort_key(key: str, alias: str) -> str | None:
    """A sort key of a plan as an index on the relation would have it; None if none can."""
    try:
        parsed = pglast.parse_sql(f"SELECT ORDER BY {key}")
    except (pglast.parser.ParseError, RecursionError, ValueError):
        return None
    select = parsed[0].stmt if len(parsed) == 1 else None
    clause = select.sortClause if isinstance(select, ast.SelectStmt) else None
    if clause is None or len(clause) != 1:
        return None
    order = clause[0]
    column = _column(order.node, alias)
    if column is None or order.sortby_dir == SortByDir.SORTBY_USING:
        return None
    collation = _names(order.node.collname) if isinstance(order.node, ast.CollateClause) else []
    collate = f" COLLATE {'.'.join(quoted(name) for name in collation)}" if collation else ""
    return column + collate + _DIRECTIONS.get(order.sortby_dir, "") + _NULLS.get(order.sortby_nulls, "")


def quoted(name: str) -> str:
    """An identifier as it must be written in SQL."""
    reserved = name in RESERVED_KEYWORDS or name in TYPE_FUNC_NAME_KEYWORDS
    if _PLAIN.match(name) and not reserved:
        return name
    return '"' + name.replace('"', '""') + '"'


def relation_name(schema: str, relation: str) -> str:
    """A table as it must be written in SQL; the schema is left out when it is `public`."""
    return quoted(relation) if schema in ("", "public") else f"{quoted(schema)}.{quoted(relation)}"


__all__ = ["Usable", "column_count", "quoted", "relation_name", "sort_key", "usable"]
