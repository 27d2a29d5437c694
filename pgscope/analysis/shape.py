"""What a statement is, from its parse tree: kind, tables, key look-ups, lists, limits, aggregates, locks.

Read from libpg_query's JSON (some 60 µs a text) rather than from pglast's node objects (five times that).
Text that does not parse has the shape `UNKNOWN`: nothing is ever concluded from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from pgscope.dataclass import dataclass
from pgscope.packed import remembered

Node: TypeAlias = Mapping[str, Any]

LONGEST = 60_000
"""Characters; a longer text (a huge list of values) is not parsed."""

_AGGREGATES = frozenset(
    (
        *("count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "array_agg", "string_agg"),
        *("json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "stddev", "variance"),
        *("stddev_pop", "stddev_samp", "var_pop", "var_samp", "percentile_cont", "percentile_disc"),
        *("mode", "bit_and", "bit_or", "xmlagg", "any_value"),
    )
)


class Relation(NamedTuple):
    """A table as the statement names it; `schema` is '' where it does not say."""

    schema: str
    table: str

    def matches(self, schema: str, table: str) -> bool:
        """Whether this may be that table of the catalog."""
        return self.table == table and self.schema in ("", schema)


class Column(NamedTuple):
    """A column of a table; `relation` is None where the statement alone does not tell whose."""

    relation: Relation | None
    name: str


@dataclass(frozen=True)
class Shape:
    """A statement's form. All counts and flags are of its top level."""

    kind: str
    """'select', 'insert', 'update', 'delete', 'utility', or 'unknown' (does not parse)."""
    fingerprint: str = ""
    """libpg_query's, and what is compared with lists, which it takes for single values: equal for texts that
    differ in constants, aliases or the length of IN lists only."""
    relations: tuple[Relation, ...] = ()
    """What it reads from (FROM with joins, sub-selects and CTEs), or first of all what it writes to."""
    equalities: tuple[Column, ...] = ()
    """Columns that must equal a parameter, ANDed."""
    lists: tuple[Column, ...] = ()
    """Columns compared with a list: IN, = ANY."""
    filtered: bool = False
    """Whether it has a WHERE."""
    whole_row: bool = False
    """Whether it returns two or more plain columns, or *, and nothing else: what an ORM's select does."""
    limited: bool = False
    aggregate: bool = False
    grouped: bool = False
    distinct: bool = False
    locking: bool = False
    joins: int = 0
    set_operation: bool = False
    single_row: bool = False
    """An INSERT of one row of values."""

    @property
    def looks_up(self) -> bool:
        """A SELECT that asks for one value of a column, the only kind of child that N+1 has."""
        return (
            self.kind == "select"
            and bool(self.equalities)
            and not self.lists
            and not self.locking
            and not self.set_operation
        )

    @property
    def lists_rows(self) -> bool:
        """A SELECT that may return many rows for a program to walk over."""
        return self.kind == "select" and not self.locking and (self.grouped or not self.aggregate)

    @property
    def writes_one(self) -> bool:
        """An INSERT of one row, or an UPDATE or DELETE of what has one value in a column."""
        if self.kind == "insert":
            return self.single_row
        return self.kind in ("update", "delete") and bool(self.equalities) and not self.lists


UNKNOWN = Shape("unknown")


@remembered(8192)
def shape_of(text: str) -> Shape:
    """The shape of a statement; `UNKNOWN` if it is empty, too long, several, or does not parse."""
    if not text or len(text) > LONGEST:
        return UNKNOWN
    from pglast import parser  # when it is first needed: it takes a tenth of the start

    try:
        document = parser.parse_sql_json(text)
        statements = json.loads(document).get("stmts", [])
        if len(statements) != 1:
            return UNKNOWN
        kind, node = next(iter(statements[0]["stmt"].items()))
        fingerprint = parser.fingerprint(text)
    except (parser.ParseError, ValueError, RecursionError):
        return UNKNOWN
    if kind == "SelectStmt":
        return _select(node, fingerprint, calls='"FuncCall"' in document)
    if kind == "InsertStmt":
        return _insert(node, fingerprint)
    if kind == "UpdateStmt":
        return _change("update", node, node.get("fromClause", []), fingerprint)
    if kind == "DeleteStmt":
        return _change("delete", node, node.get("usingClause", []), fingerprint)
    return Shape("utility", fingerprint)


def _select(node: Node, fingerprint: str, *, calls: bool) -> Shape:
    """`calls` is whether a function is called anywhere: most statements call none."""
    scope = _Scope()
    for cte in node.get("withClause", {}).get("ctes", []):
        query = cte.get("CommonTableExpr", {}).get("ctequery", {}).get("SelectStmt")
        if query:
            scope.read(query.get("fromClause", []))
    scope.read(node.get("fromClause", []))
    where = node.get("whereClause")
    equalities, lists = scope.conditions(where)
    targets = [item["ResTarget"].get("val", {}) for item in node.get("targetList", [])]
    columns = [value["ColumnRef"] for value in targets if "ColumnRef" in value]
    star = any("A_Star" in field for column in columns for field in column["fields"])
    return Shape(
        "select",
        _told_apart(fingerprint, lists),
        tuple(scope.relations),
        equalities,
        lists,
        filtered=where is not None,
        whole_row=len(columns) == len(targets) and (star or len(columns) >= 2),
        limited="limitCount" in node,
        aggregate=(calls and any(_aggregates(value) for value in targets)) or "groupClause" in node,
        grouped="groupClause" in node,
        distinct="distinctClause" in node,
        locking="lockingClause" in node,
        joins=max(len(scope.relations) - 1, 0),
        set_operation=node.get("op", "SETOP_NONE") != "SETOP_NONE",
    )


def _insert(node: Node, fingerprint: str) -> Shape:
    source = node.get("selectStmt", {}).get("SelectStmt", {})
    rows = source.get("valuesLists", [])
    single = len(rows) == 1 or not source
    return Shape("insert", fingerprint, (_relation(node["relation"]),), single_row=single)


def _change(kind: str, node: Node, others: list[Node], fingerprint: str) -> Shape:
    scope = _Scope()
    scope.read([{"RangeVar": node["relation"]}])
    scope.read(others)
    where = node.get("whereClause")
    equalities, lists = scope.conditions(where)
    return Shape(
        kind,
        _told_apart(fingerprint, lists),
        tuple(scope.relations),
        equalities,
        lists,
        filtered=where is not None,
        joins=len(scope.relations) - 1,
    )


def _told_apart(fingerprint: str, lists: tuple[Column, ...]) -> str:
    """A prefetch (`= ANY`, IN) is not the look-up that it is written in place of."""
    return " ".join((fingerprint, *sorted({column.name for column in lists})))


class _Scope:
    """The tables that a statement reads, by the names its columns use."""

    def __init__(self) -> None:
        self.relations: list[Relation] = []
        self._names: dict[str, Relation] = {}
        self._joined: list[Node] = []

    def read(self, items: list[Node]) -> None:
        for item in items:
            if "RangeVar" in item:
                variable = item["RangeVar"]
                relation = _relation(variable)
                self.relations.append(relation)
                self._names[variable.get("alias", {}).get("aliasname", relation.table)] = relation
            elif "JoinExpr" in item:
                join = item["JoinExpr"]
                self.read([join["larg"], join["rarg"]])
                if "quals" in join:
                    self._joined.append(join["quals"])
            elif "RangeSubselect" in item:
                query = item["RangeSubselect"].get("subquery", {}).get("SelectStmt", {})
                self.read(query.get("fromClause", []))

    def conditions(self, where: Node | None) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
        """Columns that must equal a parameter, and columns compared with a list."""
        equalities: list[Column] = []
        lists: list[Column] = []
        for quals in ([where] if where is not None else []) + self._joined:
            for term in _terms(quals):
                operator = term.get("A_Expr")
                if operator is None or not _is_equal(operator):
                    continue
                left, right = operator.get("lexpr", {}), operator.get("rexpr", {})
                if "ColumnRef" not in left:
                    left, right = right, left
                column = self._column(left)
                if column is None:
                    continue
                if operator["kind"] == "AEXPR_OP" and _is_value(right):
                    equalities.append(column)
                elif operator["kind"] in ("AEXPR_IN", "AEXPR_OP_ANY"):
                    lists.append(column)
        return tuple(equalities), tuple(lists)

    def _column(self, node: Node) -> Column | None:
        fields = node.get("ColumnRef", {}).get("fields", [])
        names = [field["String"]["sval"] for field in fields if "String" in field]
        if not names or len(names) != len(fields):
            return None
        if len(names) == 1:
            only = self.relations[0] if len(self.relations) == 1 else None
            return Column(only, names[0])
        return Column(self._names.get(names[-2]), names[-1])


def _relation(variable: Node) -> Relation:
    return Relation(variable.get("schemaname", ""), variable["relname"])


def _terms(node: Node) -> Iterator[Node]:
    """The conditions that all must hold."""
    both = node.get("BoolExpr")
    if both is not None and both.get("boolop") == "AND_EXPR":
        for part in both["args"]:
            yield from _terms(part)
    else:
        yield node


def _is_equal(operator: Node) -> bool:
    return bool(operator.get("name")) and operator["name"][-1].get("String", {}).get("sval") == "="


def _is_value(node: Node) -> bool:
    if "TypeCast" in node:
        return _is_value(node["TypeCast"].get("arg", {}))
    return "ParamRef" in node or "A_Const" in node


def _aggregates(node: object) -> bool:
    """Whether an aggregate is called in an expression of a target list (not in a sub-select there)."""
    if isinstance(node, list):
        return any(_aggregates(item) for item in node)
    if not isinstance(node, dict):
        return False
    if "SubLink" in node:
        return False
    call = node.get("FuncCall")
    if call is not None:
        name = call["funcname"][-1].get("String", {}).get("sval", "")
        if (name in _AGGREGATES or call.get("agg_star")) and "over" not in call:
            return True
    return any(_aggregates(value) for value in node.values())
