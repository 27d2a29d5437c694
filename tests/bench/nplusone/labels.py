"""The labelled workloads: what each does, and what pgscope must say of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Expected:
    """A finding that must appear: kind, and the tables (without prefix) that child and parent read first."""

    kind: str
    child: str
    parent: str = ""


@dataclass(frozen=True)
class Label:
    """A workload. It has tables of its own (or `tables` of another): findings tell whose they are."""

    name: str
    library: str
    """'sqlalchemy', 'django' or 'raw'."""
    program: str
    """Function in the library's module."""
    expected: tuple[Expected, ...] = ()
    owners: int = 200
    """Rows of the author table."""
    rate: float = 1.2
    """Pages a second."""
    processes: int = 1
    """Threads with a connection each."""
    tables: str = ""
    foreign_keys: bool = True
    allowed: tuple[str, ...] = ()
    """Kinds that are true of it and not asked for."""
    options: dict[str, int] = field(default_factory=dict, hash=False)

    @property
    def prefix(self) -> str:
        """Of its tables."""
        return self.tables or self.name


def _loop(child: str, parent: str) -> tuple[Expected, ...]:
    return (Expected("n_plus_one", child, parent),)


COLLECTION = _loop("choice", "question")
REFERENCE = _loop("author", "question")

POSITIVES = (
    Label("sa_collection", "sqlalchemy", "lazy_collection", COLLECTION),
    Label("sa_ref_10", "sqlalchemy", "lazy_reference", REFERENCE, owners=10),
    Label("sa_ref_50", "sqlalchemy", "lazy_reference", REFERENCE, owners=50),
    Label("sa_ref_5000", "sqlalchemy", "lazy_reference", REFERENCE, owners=5000),
    Label("sa_nested", "sqlalchemy", "nested", (*COLLECTION, *_loop("vote", "choice")), rate=1.2),
    Label("sa_async", "sqlalchemy", "async_collection", COLLECTION),
    Label("sa_count", "sqlalchemy", "count_per_row", COLLECTION),
    Label("sa_expired", "sqlalchemy", "expired", _loop("question", "question"), rate=1.2),
    Label("dj_ref", "django", "reference", REFERENCE, owners=5000),
    Label("dj_set", "django", "reverse_set", COLLECTION),
    Label("dj_atomic", "django", "reverse_set_atomic", COLLECTION),
    Label("dj_template", "django", "template_loop", REFERENCE, owners=5000),
    Label("dj_count", "django", "count_per_row", COLLECTION),
    Label("dj_two", "django", "two_per_row", COLLECTION),
    Label("dj_same_size", "django", "reverse_set_same_size", COLLECTION, rate=1.5),
    Label("sa_shared", "sqlalchemy", "lazy_collection", COLLECTION),
    Label("sa_workers", "sqlalchemy", "lazy_collection", COLLECTION, processes=3, rate=1.0),
    Label("dj_slow", "django", "reverse_set", COLLECTION, rate=0.5),
    Label("raw_no_key", "raw", "loop_in_transaction", COLLECTION, foreign_keys=False),
    Label("dj_save", "django", "save_each", (Expected("row_by_row_writes", "question"),), rate=1.5),
    Label("sa_flush", "sqlalchemy", "flush_each", (Expected("row_by_row_writes", "choice"),)),
    Label("dj_len_all", "django", "len_all", (Expected("overfetch", "question"),)),
)

NEGATIVES = (
    Label("sa_selectin", "sqlalchemy", "selectin"),
    Label("sa_joined", "sqlalchemy", "joined"),
    Label("sa_subquery", "sqlalchemy", "subquery"),
    Label("dj_prefetch", "django", "prefetch"),
    Label("dj_select_related", "django", "select_related"),
    Label("raw_any", "raw", "equals_any"),
    Label("pgbench_s", "raw", "pgbench", options={"select_only": 1}),
    Label("pgbench_tpcb", "raw", "pgbench"),
    Label("kv", "raw", "key_value", rate=50.0),
    Label("dj_session_user", "django", "session_and_user", rate=5.0),
    Label("queue", "raw", "skip_locked", rate=6.0),
    Label("heartbeat", "raw", "heartbeat", rate=2.0),
    Label("sa_keyset", "sqlalchemy", "keyset", rate=1.2),
    Label("sa_bulk", "sqlalchemy", "bulk_insert", rate=1.0),
    Label("dj_bulk", "django", "bulk_create", rate=1.0),
    Label("raw_executemany", "raw", "executemany", rate=1.0),
    Label("cache_fill", "raw", "cache_fill", rate=1.0, allowed=("lookup_loop",)),
    Label("twin_list", "sqlalchemy", "joined", rate=2.0, options={"size": 20}),
    Label("twin_lookup", "raw", "key_value", rate=40.0, tables="twin_list", options={"choices": 1}),
    Label("shared_direct", "sqlalchemy", "direct_lookups", rate=10.0, tables="sa_shared"),
    Label("functions", "raw", "function_loop", rate=1.2),
)

LABELS = {label.name: label for label in (*POSITIVES, *NEGATIVES)}
