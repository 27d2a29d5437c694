"""The one statement that would replace a loop, made from the loop's own parse tree."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pglast import ast, enums, parse_sql, visitors
from pglast.parser import ParseError
from pglast.stream import IndentedStream

from pgscope.analysis.shape import LONGEST, shape_of


@lru_cache(maxsize=512)
def batched(text: str, column: str, unique: bool = False) -> str:
    """A look-up by `column` for many values at once: `= ANY`, GROUP BY for aggregates, LATERAL for LIMIT,
    OFFSET and DISTINCT ON, and for window functions, which are over the rows of one.

    The column comes back with each row. A LIMIT on a look-up by a unique column, or on one aggregate, means
    nothing and goes.
    '' where the statement does not lend itself to it.
    """
    shape = shape_of(text)
    if shape.kind != "select" or len(text) > LONGEST:
        return ""
    try:
        select: Any = _statement(text)
        place = _equality(select.whereClause, column)
        if place is None:
            return ""
        if shape.limited and (unique or (shape.aggregate and not shape.grouped)):
            select.limitCount = select.limitOffset = None
            select.limitOption = enums.LimitOption.LIMIT_OPTION_DEFAULT
        elif shape.limited or _by_itself(select):
            return _lateral(select, place)
        reference = place.lexpr if isinstance(place.lexpr, ast.ColumnRef) else place.rexpr
        value = place.rexpr if isinstance(place.lexpr, ast.ColumnRef) else place.lexpr
        place.lexpr, place.rexpr = reference, _parameter(value)
        place.kind = enums.A_Expr_Kind.AEXPR_OP_ANY
        if shape.aggregate:
            select.groupClause = (reference, *(select.groupClause or ()))
        if not _returns(select, reference):
            # Whose each row is must be told; at the end, for ORDER BY may count places.
            select.targetList = (*(select.targetList or ()), ast.ResTarget(val=reference))
        return str(IndentedStream()(select))
    except (ParseError, ValueError, RecursionError, NotImplementedError):
        return ""


@lru_cache(maxsize=512)
def batched_write(text: str) -> str:
    """A single-row INSERT as one statement for many rows; '' where it is not that simple."""
    shape = shape_of(text)
    if shape.kind != "insert" or not shape.single_row or len(text) > LONGEST:
        return ""
    try:
        insert: Any = _statement(text)
        columns = [target.name for target in insert.cols or ()]
        if not columns or insert.selectStmt is None:
            return ""
        arrays = ast.FuncCall(
            funcname=(ast.String(sval="unnest"),),
            args=tuple(ast.ParamRef(number=number) for number in range(1, len(columns) + 1)),
            funcformat=enums.CoercionForm.COERCE_EXPLICIT_CALL,
        )
        insert.selectStmt = ast.SelectStmt(
            targetList=(ast.ResTarget(val=ast.ColumnRef(fields=(ast.A_Star(),))),),
            fromClause=(ast.RangeFunction(functions=((arrays, None),)),),
            op=enums.SetOperation.SETOP_NONE,
            limitOption=enums.LimitOption.LIMIT_OPTION_DEFAULT,
        )
        return str(IndentedStream()(insert))
    except (ParseError, ValueError, RecursionError, NotImplementedError):
        return ""


def _statement(text: str) -> Any:
    """The parse tree of the only statement in a text. pglast's annotations do not know which node it is."""
    return next(iter(parse_sql(text))).stmt


def _equality(where: Any, column: str) -> Any:
    """The condition that asks for one value of the column."""
    if isinstance(where, ast.BoolExpr) and where.boolop == enums.BoolExprType.AND_EXPR:
        for part in where.args or ():
            found = _equality(part, column)
            if found is not None:
                return found
        return None
    if not isinstance(where, ast.A_Expr) or where.kind != enums.A_Expr_Kind.AEXPR_OP:
        return None
    name = (where.name or ())[-1:]
    if not name or name[0].sval != "=":
        return None
    for side, other in ((where.lexpr, where.rexpr), (where.rexpr, where.lexpr)):
        if isinstance(side, ast.ColumnRef) and not isinstance(other, ast.ColumnRef):
            last = (side.fields or ())[-1:]
            if last and isinstance(last[0], ast.String) and last[0].sval == column:
                return where
    return None


def _by_itself(select: Any) -> bool:
    """Whether what comes back for one value hangs on there being no rows of others."""
    over: list[Any] = []

    class Calls(visitors.Visitor):
        def visit_FuncCall(self, _: object, node: ast.FuncCall) -> None:
            over.append(node.over)

    Calls()(select.targetList or ())
    only_some = select.limitOffset is not None or any(select.distinctClause or ())
    return only_some or any(over)


def _returns(select: Any, reference: Any) -> bool:
    """Whether the column itself comes back under its name: a namesake of another table is none."""
    *table, column = _path(reference)
    for target in select.targetList or ():
        if isinstance(target.val, ast.ColumnRef) and target.name in (None, column):
            *of, last = _path(target.val)
            if last in ("*", column) and (of == table or not of or not table):
                return True
    return False


def _path(reference: Any) -> list[str]:
    return ["*" if isinstance(part, ast.A_Star) else part.sval for part in reference.fields]


def _parameter(value: Any) -> Any:
    """The parameter without its cast, which was to the type of one value."""
    return value.arg if isinstance(value, ast.TypeCast) else value


def _lateral(select: Any, place: Any) -> str:
    """A limit for each value: the first rows of each, by LATERAL."""
    reference = place.lexpr if isinstance(place.lexpr, ast.ColumnRef) else place.rexpr
    value = place.rexpr if isinstance(place.lexpr, ast.ColumnRef) else place.lexpr
    place.lexpr = reference
    place.rexpr = ast.ColumnRef(fields=(ast.String(sval="wanted"), ast.String(sval="key")))
    inner = str(IndentedStream()(select))
    indented = "\n".join("    " + line for line in inner.splitlines())
    number = _parameter(value)
    parameter = f"${number.number}" if isinstance(number, ast.ParamRef) else "$1"
    return (
        f"SELECT wanted.key, found.*\nFROM unnest({parameter}) AS wanted (key)\n"
        f"CROSS JOIN LATERAL (\n{indented}\n) AS found"
    )
