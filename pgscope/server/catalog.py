"""One database's schema as the findings need it: foreign keys, keys, sizes."""

from __future__ import annotations

import time
from typing import Any

from pgscope.sample import Catalog, ForeignKey, TableKey, TableSize
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import codec_of, name
from pgscope.server.queries import query

MOST = 20_000
"""Rows of each kind: a schema for each tenant may have hundreds of thousands of tables."""


async def read_catalog(connection: Connection) -> Catalog:
    """The schema of the database that the connection is in, in one round trip.

    What the role may not read is left empty. Raises psycopg.Error if the connection is lost, LookupError if
    the server does not say which database this is.
    """
    limits = {"most": MOST}
    parts = ("foreign_keys", "table_keys", "table_sizes")
    found = await batch.run(
        connection,
        [Statement("here", query("here", 14)), *(Statement(part, query(part, 14), limits) for part in parts)],
    )
    if not found.rows.get("here"):
        raise LookupError("the server does not say which database this is")
    datid, encoding, at = found.rows["here"][0]
    codec = codec_of(name(encoding))

    def names(raw: list[Any] | None) -> tuple[str, ...]:
        return tuple(name(item, codec) for item in raw or ())

    keys = found.rows.get("foreign_keys", ())
    return Catalog(
        at,
        time.monotonic(),
        datid,
        tuple(
            ForeignKey(
                name(constraint, codec),
                name(schema, codec),
                name(table, codec),
                names(columns),
                name(other_schema, codec),
                name(other_table, codec),
                names(other_columns),
            )
            for constraint, schema, table, columns, other_schema, other_table, other_columns in keys
        ),
        tuple(
            TableKey(name(schema, codec), name(table, codec), names(columns), primary)
            for schema, table, columns, primary in found.rows.get("table_keys", ())
        ),
        tuple(
            TableSize(name(schema, codec), name(table, codec), tuples, pages)
            for schema, table, tuples, pages in found.rows.get("table_sizes", ())
        ),
    )
