"""Which table locks DDL and maintenance take: a table in code, from the manual, tested on real servers.

For what runs pg_locks is the truth; this is for what waits, and for saying beforehand what will be shut out.
The statement's own table comes first; then others that it locks too, as far as its text names them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from pgscope.analysis.locks.alter import SCHEMA_OBJECTS, alter_locks, referenced
from pgscope.analysis.locks.conflicts import MODES, blocks, strength, words
from pgscope.analysis.locks.tablelock import TableLock, full_name, name_of
from pgscope.dataclass import dataclass
from pgscope.latepattern import late_pattern

_AUTOVACUUM = late_pattern(r"autovacuum: (VACUUM|ANALYZE|VACUUM ANALYZE) (.+?)( \(to prevent wraparound\))?$")
_WORDS = late_pattern(
    r"\b(?:alter|analy[sz]e|cluster|comment|create|drop|lock|refresh|reindex|truncate|vacuum)\b",
    re.IGNORECASE,
)
"""One of these is in every text that can be DDL here: the others need no parsing."""
_START = late_pattern(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
    r"((?:alter|cluster|comment|create|drop|lock|refresh|reindex|truncate|vacuum)(?:\s+[a-z]+)?)\b",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST = 100_000
"""Characters of a text that is worth parsing: DDL is short."""

Node = dict[str, Any]


@dataclass(frozen=True)
class Ddl:
    """A statement that takes table locks beyond those of reading and writing rows."""

    command: str
    """ALTER TABLE, CREATE INDEX CONCURRENTLY, ..."""
    name: str
    """What it works on, as it was written; '' for a whole database."""
    locks: tuple[TableLock, ...]
    """Its own table's first."""

    @property
    def mode(self) -> str:
        """The lock on its own table, as pg_locks names it; '' if it takes none."""
        return self.locks[0].mode if self.locks else ""

    @property
    def title(self) -> str:
        """Command and name."""
        return f"{self.command} {self.name}".strip()

    @property
    def meaning(self) -> str:
        """'ACCESS EXCLUSIVE, blocks reads and writes'."""
        return meaning(self.mode)


def meaning(mode: str) -> str:
    """A table lock's name and what it shuts out: 'SHARE, blocks writes; reads go on'."""
    return f"{words(mode)}, {blocks(mode)}" if blocks(mode) else words(mode)


@lru_cache(maxsize=1000)
def ddl_of(text: str) -> tuple[Ddl, ...]:
    """The DDL and maintenance in a text, in order; empty for other statements and what does not parse."""
    automatic = _AUTOVACUUM.match(text) if text.startswith("autovacuum: ") else None
    if automatic:
        command = f"autovacuum: {automatic[1]}"
        return (Ddl(command, automatic[2], (TableLock(automatic[2], "ShareUpdateExclusiveLock"),)),)
    if len(text) > _LONGEST or not _WORDS.search(text):
        return ()
    from pglast import parser  # when it is first needed: it takes a tenth of the start

    try:
        tree = json.loads(parser.parse_sql_json(text))
    except (parser.ParseError, ValueError, RecursionError):
        return ()
    found = []
    for entry in tree.get("stmts", ()):
        for kind, node in entry["stmt"].items():
            read = _READERS.get(kind)
            if read is not None:
                found += [ddl for ddl in read(node) if ddl.locks]
    return tuple(found)


def command_of(text: str) -> str:
    """The first words of what starts like DDL, in capitals, for a text cut off before it parses; else ''."""
    found = _START.match(text)
    return " ".join(found[1].upper().split()) if found else ""


def wraparound(text: str) -> bool:
    """Whether this is an autovacuum that does not give way to others, since it prevents wraparound."""
    automatic = _AUTOVACUUM.match(text)
    return automatic is not None and automatic[3] is not None


def _alter_table(node: Node) -> Iterator[Ddl]:
    kind = _KINDS.get(node.get("objtype", ""), "")
    if kind:
        yield Ddl(f"ALTER {kind}", name_of(node["relation"]), alter_locks(node))


def _rename(node: Node) -> Iterator[Ddl]:
    kind = node["renameType"]
    if kind in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"):
        kind = node.get("relationType", "OBJECT_TABLE") if kind == "OBJECT_COLUMN" else "OBJECT_TABLE"
    command = _KINDS.get(kind) or _ON_TABLES.get(kind)
    if command and "relation" in node:
        mode = "ShareUpdateExclusiveLock" if kind == "OBJECT_INDEX" else "AccessExclusiveLock"
        name = name_of(node["relation"])
        yield Ddl(f"ALTER {command}", name, (TableLock(name, mode),))


def _set_schema(node: Node) -> Iterator[Ddl]:
    kind = _KINDS.get(node["objectType"])
    if kind and "relation" in node:
        yield Ddl(f"ALTER {kind}", *_one(node["relation"], "AccessExclusiveLock"))


def _alter_sequence(node: Node) -> Iterator[Ddl]:
    yield Ddl("ALTER SEQUENCE", *_one(node["sequence"], "ShareRowExclusiveLock"))


def _drop(node: Node) -> Iterator[Ddl]:
    kind = node["removeType"]
    concurrent = node.get("concurrent", False)
    mode = "ShareUpdateExclusiveLock" if concurrent else "AccessExclusiveLock"
    for entry in node["objects"]:
        names = [item["String"].get("sval", "") for item in entry.get("List", {}).get("items", ())]
        if kind in _KINDS:
            command = f"DROP {_KINDS[kind]}" + (" CONCURRENTLY" if concurrent else "")
            own = TableLock(full_name(names), mode)
            others = (TableLock("", mode, "its table"),) if kind == "OBJECT_INDEX" else ()
            yield Ddl(command, own.relation, (own, *others))
        elif kind in _ON_TABLES:
            name = full_name(names[:-1])
            yield Ddl(f"DROP {_ON_TABLES[kind]} on", name, (TableLock(name, mode),))


def _truncate(node: Node) -> Iterator[Ddl]:
    for entry in node["relations"]:
        yield Ddl("TRUNCATE", *_one(entry["RangeVar"], "AccessExclusiveLock"))


def _create_index(node: Node) -> Iterator[Ddl]:
    if node.get("concurrent"):
        yield Ddl("CREATE INDEX CONCURRENTLY on", *_one(node["relation"], "ShareUpdateExclusiveLock"))
    else:
        yield Ddl("CREATE INDEX on", *_one(node["relation"], "ShareLock"))


def _reindex(node: Node) -> Iterator[Ddl]:
    kind = node["kind"].removeprefix("REINDEX_OBJECT_")
    concurrent = _option(node.get("params"), "concurrently")
    command = f"REINDEX {kind}" + (" CONCURRENTLY" if concurrent else "")
    name = name_of(node["relation"]) if "relation" in node else node.get("name", "")
    index_mode = "ShareUpdateExclusiveLock" if concurrent else "AccessExclusiveLock"
    table_mode = "ShareUpdateExclusiveLock" if concurrent else "ShareLock"
    if kind == "INDEX":
        yield Ddl(command, name, (TableLock(name, index_mode), TableLock("", table_mode, "its table")))
    else:
        own = name if kind == "TABLE" else ""
        yield Ddl(command, name, (TableLock(own, table_mode), TableLock("", index_mode, "its indexes")))


def _vacuum(node: Node) -> Iterator[Ddl]:
    full = _option(node.get("options"), "full")
    command = "ANALYZE" if not node.get("is_vacuumcmd") else "VACUUM FULL" if full else "VACUUM"
    mode = "AccessExclusiveLock" if full else "ShareUpdateExclusiveLock"
    relations = [entry["VacuumRelation"].get("relation") for entry in node.get("rels", ())]
    for relation in relations or [None]:
        name = name_of(relation) if relation else ""
        yield Ddl(command, name, (TableLock(name, mode),))


def _cluster(node: Node) -> Iterator[Ddl]:
    name = name_of(node["relation"]) if "relation" in node else ""
    yield Ddl("CLUSTER", name, (TableLock(name, "AccessExclusiveLock"),))


def _refresh(node: Node) -> Iterator[Ddl]:
    concurrent = node.get("concurrent")
    command = "REFRESH MATERIALIZED VIEW" + (" CONCURRENTLY" if concurrent else "")
    yield Ddl(command, *_one(node["relation"], "ExclusiveLock" if concurrent else "AccessExclusiveLock"))


def _on_relation(command: str, mode: str, key: str = "relation") -> Callable[[Node], Iterator[Ddl]]:
    def read(node: Node) -> Iterator[Ddl]:
        yield Ddl(command, *_one(node[key], mode))

    return read


def _create_statistics(node: Node) -> Iterator[Ddl]:
    for entry in node.get("relations", ()):
        if "RangeVar" in entry:
            yield Ddl("CREATE STATISTICS on", *_one(entry["RangeVar"], "ShareUpdateExclusiveLock"))


def _comment(node: Node) -> Iterator[Ddl]:
    names = [item["String"]["sval"] for item in node.get("object", {}).get("List", {}).get("items", ())]
    kind = node["objtype"]
    if kind == "OBJECT_COLUMN":
        names.pop()
    elif kind not in SCHEMA_OBJECTS:
        return
    name = full_name(names)
    yield Ddl("COMMENT ON", name, (TableLock(name, "ShareUpdateExclusiveLock"),))


def _lock(node: Node) -> Iterator[Ddl]:
    for entry in node["relations"]:
        yield Ddl("LOCK TABLE", *_one(entry["RangeVar"], MODES[node["mode"] - 1]))


def _create_table(node: Node) -> Iterator[Ddl]:
    partition = "partbound" in node
    mode = "AccessExclusiveLock" if partition else "ShareUpdateExclusiveLock"
    role = "the partitioned table" if partition else "the parent"
    parents = [TableLock(name_of(entry["RangeVar"]), mode, role) for entry in node.get("inhRelations", ())]
    locks = (*parents, *(lock for entry in node.get("tableElts", ()) for lock in referenced(entry)))
    # The new table is nobody else's yet: what counts is the strongest lock on another.
    ordered = tuple(sorted(locks, key=lambda lock: -strength(lock.mode)))
    yield Ddl("CREATE TABLE", name_of(node["relation"]), ordered)


def _replace_view(node: Node) -> Iterator[Ddl]:
    if node.get("replace"):
        yield Ddl("CREATE OR REPLACE VIEW", *_one(node["view"], "AccessExclusiveLock"))


def _publication(node: Node) -> Iterator[Ddl]:
    verb = "CREATE" if "pubname" in node and "action" not in node else "ALTER"
    for entry in node.get("pubobjects", ()):
        table = entry["PublicationObjSpec"].get("pubtable")
        if table:
            yield Ddl(f"{verb} PUBLICATION for", *_one(table["relation"], "ShareUpdateExclusiveLock"))


def _one(relation: Node, mode: str) -> tuple[str, tuple[TableLock, ...]]:
    name = name_of(relation)
    return name, (TableLock(name, mode),)


def _option(options: list[Node] | None, wanted: str) -> bool:
    """Whether a list of options has this one, and not switched off."""
    for entry in options or ():
        option = entry["DefElem"]
        if option["defname"] == wanted:
            arg = option.get("arg")
            if arg is None:
                return True
            value = next(iter(arg.values()))
            said = value.get("sval", value.get("ival", value.get("boolval", 0)))
            return str(said).lower() not in ("off", "false", "0")
    return False


_KINDS = {
    "OBJECT_TABLE": "TABLE",
    "OBJECT_INDEX": "INDEX",
    "OBJECT_VIEW": "VIEW",
    "OBJECT_MATVIEW": "MATERIALIZED VIEW",
    "OBJECT_SEQUENCE": "SEQUENCE",
    "OBJECT_FOREIGN_TABLE": "FOREIGN TABLE",
}
_ON_TABLES = {"OBJECT_TRIGGER": "TRIGGER", "OBJECT_RULE": "RULE", "OBJECT_POLICY": "POLICY"}

_READERS: dict[str, Callable[[Node], Iterator[Ddl]]] = {
    "AlterTableStmt": _alter_table,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterSeqStmt": _alter_sequence,
    "DropStmt": _drop,
    "TruncateStmt": _truncate,
    "IndexStmt": _create_index,
    "ReindexStmt": _reindex,
    "VacuumStmt": _vacuum,
    "ClusterStmt": _cluster,
    "RefreshMatViewStmt": _refresh,
    "CreateTrigStmt": _on_relation("CREATE TRIGGER on", "ShareRowExclusiveLock"),
    "RuleStmt": _on_relation("CREATE RULE on", "AccessExclusiveLock"),
    "CreatePolicyStmt": _on_relation("CREATE POLICY on", "AccessExclusiveLock", "table"),
    "AlterPolicyStmt": _on_relation("ALTER POLICY on", "AccessExclusiveLock", "table"),
    "CreateStatsStmt": _create_statistics,
    "CommentStmt": _comment,
    "LockStmt": _lock,
    "CreateStmt": _create_table,
    "ViewStmt": _replace_view,
    "CreatePublicationStmt": _publication,
    "AlterPublicationStmt": _publication,
}
