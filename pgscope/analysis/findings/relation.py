"""Shape (E3): does the child look up, by a key, what lies at the other end of a foreign key of the parent?

It supports row conservation and never suffices: every healthy look-up has a foreign key too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from pgscope.analysis.shape import Relation, Shape
from pgscope.sample import Catalog, ForeignKey, TableKey, TableSize


class Relationship(NamedTuple):
    """How a child's look-up hangs on a table that the parent reads."""

    kind: str
    """'collection' (one to many), 'reference' (many to one) or 'reload' (the same row again, by its key)."""
    column: str
    """The column that holds the foreign key, 'choice.question_id'; for a reload the key itself."""
    constraint: str
    from_table: str
    """What the parent reads."""
    to_table: str
    """What the child looks up."""


class Schema:
    """A catalog, indexed by table name."""

    def __init__(self, catalog: Catalog) -> None:
        self.at = catalog.at
        self.mono = catalog.mono
        self._from: dict[str, list[ForeignKey]] = defaultdict(list)
        self._to: dict[str, list[ForeignKey]] = defaultdict(list)
        self._keys: dict[str, list[TableKey]] = defaultdict(list)
        self._sizes: dict[str, list[TableSize]] = defaultdict(list)
        for foreign in catalog.foreign_keys:
            self._from[foreign.child_table].append(foreign)
            self._to[foreign.parent_table].append(foreign)
        for key in catalog.keys:
            self._keys[key.table].append(key)
        for size in catalog.tables:
            self._sizes[size.table].append(size)

    def size(self, relation: Relation) -> TableSize | None:
        """A table's estimated size, if the name tells which table it is."""
        found = [size for size in self._sizes[relation.table] if relation.matches(size.schema, size.table)]
        return found[0] if len(found) == 1 else None

    def sources(self, child: Shape) -> frozenset[str]:
        """Names of the tables that a parent of this child may read."""
        names: set[str] = set()
        for column in child.equalities:
            if column.relation is None:
                continue
            names.update(key.parent_table for key in self._from[column.relation.table])
            names.update(key.child_table for key in self._to[column.relation.table])
            names.add(column.relation.table)
        return frozenset(names)

    def relationship(self, child: Shape, parent: Shape) -> Relationship | None:
        """What ties this child to this parent; the collection or reference before a mere reload."""
        asked: dict[Relation, set[str]] = defaultdict(set)
        for column in child.equalities:
            if column.relation is not None:
                asked[column.relation].add(column.name)
        for relation, names in asked.items():
            for key in self._from[relation.table]:
                if not relation.matches(key.child_schema, key.child_table):
                    continue
                if names.issuperset(key.child_columns) and _reads(
                    parent, key.parent_schema, key.parent_table
                ):
                    return _named("collection", key, key.parent_table, key.child_table)
            for key in self._to[relation.table]:
                if not relation.matches(key.parent_schema, key.parent_table):
                    continue
                if names.issuperset(key.parent_columns) and _reads(parent, key.child_schema, key.child_table):
                    return _named("reference", key, key.child_table, key.parent_table)
        for relation, names in asked.items():
            for unique in self._keys[relation.table]:
                same = relation.matches(unique.schema, unique.table)
                if same and names.issuperset(unique.columns) and _reads(parent, unique.schema, unique.table):
                    named = f"{unique.table}.{', '.join(unique.columns)}"
                    return Relationship("reload", named, "", unique.table, unique.table)
        return None

    def is_key(self, child: Shape) -> bool:
        """Whether the child asks for one row by a primary or unique key."""
        for column in child.equalities:
            if column.relation is None:
                continue
            names = {other.name for other in child.equalities if other.relation == column.relation}
            for unique in self._keys[column.relation.table]:
                if column.relation.matches(unique.schema, unique.table) and names.issuperset(unique.columns):
                    return True
        return False


def _reads(parent: Shape, schema: str, table: str) -> bool:
    return any(relation.matches(schema, table) for relation in parent.relations)


def _named(kind: str, key: ForeignKey, source: str, target: str) -> Relationship:
    column = f"{key.child_table}.{', '.join(key.child_columns)}"
    return Relationship(kind, column, key.name, source, target)
