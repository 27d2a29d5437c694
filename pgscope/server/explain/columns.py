"""Which column each parameter is compared with, read from the conditions of a generic plan. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import pglast
from pglast import ast
from pglast.enums import A_Expr_Kind

from pgscope.server.explain.reach import names, walk

_CONDITIONS = ("Index Cond", "Recheck Cond", "Filter", "Hash Cond", "Merge Cond", "Join Filter", "TID Cond")
_PLACEHOLDERS = re.compile(r"\((?:hashed )?SubPlan \d+\)(?:\.col\d+)?|\(?(?:InitPlan|SubPlan) \d+\)?\.col\d+")
_RETURNS = re.compile(r"\$\d+")


class Compared(NamedTuple):
    """A column of a table, and the operator that compares the parameter with it (column on the left)."""

    schema: str
    table: str
    column: str
    operator: str
    many: bool = False
    """Whether the parameter is an array, whose elements are compared."""


_COMPARISONS = frozenset(
    {"=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "@>", "<@", "&&"}
)
"""Operators on whose other side a value like those of the column may stand; not `->` or `+`, say."""
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def compared(document: object) -> dict[int, Compared]:
    """For each parameter that a condition compares with a column of a table: which."""
    found_nodes = nodes(document)
    aliases = {
        str(node.get("Alias")): (str(node.get("Schema", "")), str(node.get("Relation Name")))
        for node in found_nodes
        if node.get("Alias") and node.get("Relation Name")
    }
    # Up to 16 the result of an InitPlan has a name like a parameter's.
    taken = {name for node in found_nodes for name in _RETURNS.findall(str(node.get("Subplan Name", "")))}
    found: dict[int, Compared] = {}
    for node in found_nodes:
        own = str(node.get("Alias", ""))
        for key in _CONDITIONS:
            condition = node.get(key)
            if isinstance(condition, str):
                for number, (alias, column, operator, many) in _pairs(condition).items():
                    table = aliases.get(alias or own)
                    if table and f"${number}" not in taken:
                        found.setdefault(number, Compared(*table, column, operator, many))
    return found


def nodes(document: object) -> list[Mapping[str, object]]:
    """The nodes of a plan's JSON, in no order that matters."""
    whole = document[0] if isinstance(document, list) and document else document
    stack = [whole.get("Plan")] if isinstance(whole, Mapping) else []
    found: list[Mapping[str, object]] = []
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            found.append(node)
            below = node.get("Plans")
            stack.extend(below if isinstance(below, list) else [])
    return found


def _pairs(condition: str) -> dict[int, tuple[str, str, str, bool]]:
    """Parameter to alias, column, operator and `many`, for each comparison of one with the other."""
    try:
        tree = pglast.parse_sql("SELECT " + _PLACEHOLDERS.sub("NULL", condition))
    except (pglast.parser.ParseError, RecursionError):
        return {}
    found: dict[int, tuple[str, str, str, bool]] = {}
    for node in walk(tree):
        if not isinstance(node, ast.A_Expr):
            continue
        operator = (names(node.name) or [""])[-1]
        of_array = node.kind in (A_Expr_Kind.AEXPR_OP_ANY, A_Expr_Kind.AEXPR_OP_ALL)
        if operator not in _COMPARISONS:
            continue
        for left, right, mirrored in ((node.lexpr, node.rexpr, False), (node.rexpr, node.lexpr, True)):
            column = _column(left)
            if column is None or (of_array and mirrored):
                continue
            meant = _MIRRORED.get(operator, operator) if mirrored else operator
            many = of_array and isinstance(_bare(right), ast.ParamRef)
            for number in _numbers(right):
                found.setdefault(number, (*column, meant, many))
    return found


def _bare(node: object) -> object:
    while isinstance(node, (ast.TypeCast, ast.CollateClause)):
        node = node.arg
    return node


def _column(node: object) -> tuple[str, str] | None:
    bare = _bare(node)
    if not isinstance(bare, ast.ColumnRef):
        return None
    parts = names(bare.fields)
    return (parts[-2] if len(parts) > 1 else "", parts[-1]) if parts else None


def _numbers(node: object) -> list[int]:
    bare = _bare(node)
    if isinstance(bare, ast.ParamRef):
        return [bare.number or 0]
    if isinstance(bare, ast.A_ArrayExpr):
        return [number for element in bare.elements or () for number in _numbers(element)]
    return []
