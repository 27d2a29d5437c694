"""What a statement names: the functions, operators, types and tables that the server would look up for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pglast import ast

from pgscope.dataclass import dataclass


class Named(NamedTuple):
    """A name in the text. `schema` is '' and `args` -1 where the text does not say."""

    schema: str
    name: str
    args: int
    position: int | None


@dataclass(frozen=True)
class Reach:
    """Every name of a parse tree, by what it may stand for."""

    functions: tuple[Named, ...]
    fields: tuple[Named, ...]
    """`x.name`: a column, unless no column is so called and a function is; args 1 for any x, 0 for a row."""
    operators: tuple[Named, ...]
    types: tuple[Named, ...]
    relations: tuple[Named, ...]


_ALWAYS = ("=", "<", ">", "<=", ">=", "<>")
"""Operators used without being named: in CASE x WHEN, USING, BETWEEN, IN, DISTINCT, ORDER BY."""


def walk(root: object) -> Iterator[ast.Node]:
    """Every node of a tree, parents first, whatever its depth."""
    stack: list[object] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, (tuple, list)):
            stack.extend(reversed(node))
        elif isinstance(node, ast.Node):
            yield node
            stack.extend(getattr(node, slot, None) for slot in reversed(list(_slots(node))))


def _slots(node: ast.Node) -> dict[str, object]:
    slots: dict[str, object] = getattr(type(node), "__slots__", {})
    return slots


def names(parts: object) -> list[str]:
    """The strings of a dotted name; what is no string (a star, a subscript) is left out."""
    if not isinstance(parts, (tuple, list)):
        return []
    return [part.sval for part in parts if isinstance(part, ast.String) and part.sval is not None]


def _named(parts: list[str], args: int, position: int | None) -> Named:
    return Named(parts[-2] if len(parts) > 1 else "", parts[-1], args, position)


def reach(root: object) -> Reach:
    """Collect the names of a parse tree."""
    functions: list[Named] = []
    fields: list[Named] = []
    operators: list[Named] = [Named("", name, 2, None) for name in _ALWAYS]
    types: list[Named] = []
    relations: list[Named] = []
    for node in walk(root):
        place = getattr(node, "location", None)
        if isinstance(node, ast.FuncCall):
            parts = names(node.funcname)
            args = -1 if node.func_variadic or node.agg_within_group else len(node.args or ())
            if parts:
                functions.append(_named(parts, args, place))
            if parts and args == 1:
                types.append(_named(parts, 0, place))
        elif isinstance(node, ast.ColumnRef):
            parts = names(node.fields)
            fields.extend(Named("", part, 0, place) for part in parts[1:])
        elif isinstance(node, ast.A_Indirection):
            fields.extend(Named("", part, 1, _place_below(node)) for part in names(node.indirection))
            types.extend(Named("", part, 0, _place_below(node)) for part in names(node.indirection))
        elif isinstance(node, ast.A_Expr):
            operators.extend(_operator(node.name, place))
        elif isinstance(node, ast.SubLink):
            operators.extend(_operator(node.operName, place))
        elif isinstance(node, ast.SortBy):
            operators.extend(_operator(node.useOp, place))
        elif isinstance(node, ast.RangeTableSample):
            functions.append(_named(names(node.method), -1, place))
        elif isinstance(node, ast.TypeName):
            parts = names(node.names)
            if parts:
                types.append(_named(parts, 0, place))
        elif isinstance(node, ast.RangeVar):
            relations.append(Named(node.schemaname or "", node.relname or "", 0, place))
    return Reach(tuple(functions), tuple(fields), tuple(operators), tuple(types), tuple(relations))


def _operator(parts: object, place: int | None) -> list[Named]:
    found = names(parts)
    return [_named(found, 2, place)] if found else []


def _place_below(node: ast.A_Indirection) -> int | None:
    for below in walk(node.arg):
        place = getattr(below, "location", None)
        if isinstance(place, int) and place >= 0:
            return place
    return None
