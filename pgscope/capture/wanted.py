"""Reads what analysis asks for, a schema or a burst probe, each on a connection closed after use."""

from __future__ import annotations

import time

import psycopg

from pgscope.errors import PgscopeError
from pgscope.sample import Burst, BurstWanted, Catalog, CatalogWanted, Wanted
from pgscope.server.burst import probe
from pgscope.server.catalog import read_catalog
from pgscope.server.connection import connect
from pgscope.server.conninfo import Target
from pgscope.server.really import connect_to

CATALOG_TIMEOUT_MS = 5000


async def fulfil(wanted: Wanted, target: Target) -> tuple[Catalog | Burst | None, float]:
    """The sample asked for, or None where it cannot be had (analysis asks again later); its cost in ms.

    Raises nothing that belongs to the server: a database that may not be connected to is no error here.
    """
    try:
        if isinstance(wanted, BurstWanted):
            return await _burst(wanted, target)
        return await _catalog(wanted, target)
    except (PgscopeError, psycopg.Error, OSError, LookupError):
        return None, 0.0


async def _burst(wanted: BurstWanted, target: Target) -> tuple[Burst | None, float]:
    connection = await connect(target)
    try:
        probed = await probe(connection, wanted.pid, wanted.backend_start)
    finally:
        await connection.close()
    return (None, 0.0) if probed is None else (probed.burst, probed.spent_ms)


async def _catalog(wanted: CatalogWanted, target: Target) -> tuple[Catalog | None, float]:
    connection = await connect_to(target, wanted.database, statement_timeout_ms=CATALOG_TIMEOUT_MS)
    try:
        started = time.monotonic()
        catalog = await read_catalog(connection)
        return catalog, (time.monotonic() - started) * 1000.0
    finally:
        await connection.close()
