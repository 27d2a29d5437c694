"""What `pgscope doctor` asks a server."""

from __future__ import annotations

from pgscope.sample import Checkup, Setting
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.facts import OLDEST, learn
from pgscope.server.queries import query


async def examine(connection: Connection) -> Checkup:
    """Read the set-up; what the role may not read is left out.

    Raises ConnectionFailed or psycopg.Error if the server does not answer.
    """
    facts = await learn(connection)
    parts = ("doctor_settings", "doctor_available", "doctor_sessions")
    found = await batch.run(connection, [Statement(part, query(part, OLDEST)) for part in parts])
    settings = {
        name(key): Setting(name(value), name(unit), name(context))
        for key, value, unit, context in found.rows.get("doctor_settings", ())
    }
    available, installed = next(iter(found.rows.get("doctor_available", ())), ("", ""))
    clients, unnamed, hidden = next(iter(found.rows.get("doctor_sessions", ())), (0, 0, 0))
    return Checkup(facts, settings, name(available), name(installed), clients, unnamed, hidden)
