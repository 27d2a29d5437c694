"""Reads the code: no statement is built from text of a server or a person but by psycopg's composition."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "pgscope"
# Its statements go to the throwaway server that it starts.
FILES = sorted(path for path in ROOT.rglob("*.py") if "demo" not in path.relative_to(ROOT).parts)
SENDING = {"execute", "executemany", "stream", "copy", "exec_", "exec_params", "send_query"}
# The two doors through which a text becomes SQL as it is: our own .sql files, and a statement to be
# explained, which the parser has passed before.
DOORS = {("server/queries.py", "query"), ("server/explain/prepare.py", "as_sql")}
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


class Code:
    """A module, and who is inside whom."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._up = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The functions around a node from the inside out, and the module."""
        while node in self._up:
            node = self._up[node]
            if isinstance(node, (*Function, ast.Module)):
                yield node

    def values_of(self, name: ast.Name) -> list[ast.expr | ast.arg]:
        """What the name is set to in the innermost place that sets it."""
        for place in self.around(name):
            found: list[ast.expr | ast.arg] = []
            if isinstance(place, Function):
                arguments = place.args
                every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                found += [one for one in every if one.arg == name.id]
            for node in ast.walk(place):
                if isinstance(node, ast.Assign):
                    targets = [one for target in node.targets for one in ast.walk(target)]
                elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
                    targets = [node.target]
                elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                    targets = list(ast.walk(node.target))
                else:
                    continue
                set_here = any(isinstance(one, ast.Name) and one.id == name.id for one in targets)
                value = (
                    node.iter if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) else node.value
                )
                if set_here and value is not None:
                    found.append(value)
            if found:
                return found
        return []


@cache
def composers() -> set[str]:
    """Names of our functions that are annotated to return composed SQL."""
    names = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, Function)
                and node.returns is not None
                and "sql." in ast.unparse(node.returns)
            ):
                names.add(node.name)
    return names


def composed(node: ast.AST, code: Code, depth: int = 0) -> bool:
    """Whether an expression can only be a constant of ours or what psycopg composed."""
    if depth > 8:
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    if isinstance(node, ast.arg):
        return node.annotation is not None and "sql." in ast.unparse(node.annotation)
    if isinstance(node, ast.Name):
        values = code.values_of(node)
        return bool(values) and all(composed(value, code, depth + 1) for value in values)
    if isinstance(node, ast.IfExp):
        return composed(node.body, code, depth + 1) and composed(node.orelse, code, depth + 1)
    if isinstance(node, ast.Attribute):
        # Statement.query, typed sql.SQL | sql.Composed.
        return node.attr == "query"
    if isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Name):
            return called.id in composers()
        if isinstance(called, ast.Attribute):
            if ast.unparse(called) in ("sql.SQL", "psycopg.sql.SQL"):
                return True  # its own argument is looked at by itself
            if called.attr in ("format", "join"):
                return not isinstance(called.value, ast.Constant) and composed(called.value, code, depth + 1)
            return called.attr in composers()
    return False


def complaints(source: str, name: str = "") -> list[str]:
    """What is wrong in a module."""
    code = Code(ast.parse(source))
    found = []
    for node in ast.walk(code.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        first = node.args[0]
        where = f"{name}:{node.lineno}: {ast.unparse(node)[:100]}"
        if ast.unparse(node.func) in ("sql.SQL", "psycopg.sql.SQL"):
            inside = next(code.around(node))
            door = isinstance(inside, Function) and (name, inside.name) in DOORS
            if not door and not (composed(first, code) or _imported(first, code)):
                found.append(where)
        elif node.func.attr in SENDING and not composed(first, code):
            found.append(where)
    return found


def _imported(node: ast.AST, code: Code) -> bool:
    """A constant of another module of ours, by its capitals."""
    imported = {
        alias.asname or alias.name
        for one in ast.walk(code.tree)
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("pgscope.")
        for alias in one.names
    }
    return isinstance(node, ast.Name) and node.id.isupper() and node.id in imported


def test_no_statement_is_pasted_together() -> None:
    found, sending = [], 0
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        if "psycopg" in source or "execute" in source:
            sending += 1
            found += complaints(source, str(path.relative_to(ROOT)))
    assert found == []
    assert sending > 20


@pytest.mark.parametrize(
    "statement",
    [
        'c.execute(f"select {x}")',
        'c.execute("select " + x)',
        'c.execute("select %s" % x)',
        'c.execute("select {}".format(x))',
        "c.execute(x)",
        "c.execute(x.encode())",
        'y = f"select {x}"; c.execute(y)',
        'c.execute(sql.SQL(f"select {x}"))',
        "c.execute(sql.SQL(x).format(y))",
        'y = "select 1"\n    y += x\n    c.execute(y)',
        "for y in x: c.execute(y)",
    ],
)
def test_what_is_pasted_together_is_found(statement: str) -> None:
    assert complaints(f"def f(c, x):\n    {statement}\n")


@pytest.mark.parametrize(
    "statement",
    [
        'c.execute("select %s", (x,))',
        'c.execute(sql.SQL("select {}").format(sql.Identifier(x)))',
        'y = "select 1" if x else "select 2"; c.execute(y)',
    ],
)
def test_what_is_composed_passes(statement: str) -> None:
    assert complaints(f"def f(c, x):\n    {statement}\n") == []


def test_only_what_explains_goes_through_the_second_door() -> None:
    for path in FILES:
        if "as_sql" in path.read_text(encoding="utf-8"):
            assert path.relative_to(ROOT).parts[:2] == ("server", "explain")
