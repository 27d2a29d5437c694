"""What this server and role can do, learned once when connecting; one place decides, all others ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pgscope.errors import ConnectionFailed
from pgscope.sample import Missing, ServerFacts
from pgscope.server import batch
from pgscope.server.batch import Statement
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.queries import query
from pgscope.server.sense import moment

OLDEST, NEWEST = 14, 18
"""Major versions that pgscope is tested on."""


async def learn(connection: Connection) -> ServerFacts:
    """What `learn_now` learns, without the time."""
    return (await learn_now(connection))[0]


async def learn_now(connection: Connection) -> tuple[ServerFacts, float]:
    """Ask in one round trip what the server is, what this role may see, and what time it has (epoch seconds).

    Raises ConnectionFailed if even what every role may ask is refused, psycopg.Error if the connection broke.
    """
    found = await batch.run(
        connection,
        [Statement(part, query(part, OLDEST)) for part in ("facts", "settings", "extensions")],
    )
    if not found.rows.get("facts"):
        failure = next(iter(found.failures.values()), None)
        reason = failure.reason if failure else "the server answered nothing"
        raise ConnectionFailed(f"cannot read the server's settings: {reason}; check the role's privileges")
    row = found.rows["facts"][0]
    version_num, version, database, user, standby, started, now, superuser, reads, signals, pid = row[:11]
    settings = {name(key): name(value) for key, value in found.rows.get("settings", ())}
    extensions = _extensions(found.rows.get("extensions", ()))
    version_text, schema, usable = extensions.get("pg_stat_statements", ("", "", False))
    statements = _version(version_text) if usable else None
    if statements is not None and (statements < (1, 9) or "pg_stat_statements.max" not in settings):
        statements = None
    query_ids = settings.get("compute_query_id") == "on" or (
        settings.get("compute_query_id") in ("auto", "regress") and "pg_stat_statements.max" in settings
    )
    info = connection.info
    facts = ServerFacts(
        version_num=version_num,
        version=name(version),
        host=name(info.host),
        port=info.port,
        database=name(database),
        user=name(user),
        in_recovery=standby,
        started=moment(started),
        max_connections=int(settings.get("max_connections", "0")),
        block_size=int(settings.get("block_size", "8192")),
        track_activity_query_size=int(settings.get("track_activity_query_size", "1024")),
        query_ids=query_ids,
        statements_version=statements,
        statements_schema=schema,
        statements_max=int(settings.get("pg_stat_statements.max", "0")),
        statements_track=settings.get("pg_stat_statements.track", ""),
        stat_monitor="pg_stat_monitor" in extensions,
        superuser=superuser,
        reads_all_stats=reads,
        may_signal=signals,
        settings=settings,
        missing=(),
        own_pids=frozenset({pid}),
        superusers=frozenset(row[11]),
        rights_of=frozenset(row[12]),
    )
    return with_missing(facts, version_text), moment(now)


def _extensions(rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[str, str, bool]]:
    return {name(ext): (name(version), name(schema), usage) for ext, version, schema, usage in rows}


def _version(text: str) -> tuple[int, int] | None:
    parts = text.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return None


def with_missing(facts: ServerFacts, extension_version: str) -> ServerFacts:
    """The facts with what is missing: capability, consequence, and the one statement that mends it."""
    missing: list[Missing] = []
    loaded = "pg_stat_statements.max" in facts.settings
    if facts.major < OLDEST:
        missing.append(
            Missing(
                f"PostgreSQL {facts.version} is older than {OLDEST}",
                "some views may not work",
                f"upgrade to PostgreSQL {OLDEST} or newer",
            )
        )
    elif facts.major > NEWEST:
        missing.append(
            Missing(
                f"PostgreSQL {facts.version} is newer than pgscope knows ({NEWEST})",
                "what changed since is not shown",
                "look for a newer pgscope",
            )
        )
    if facts.statements_version is None:
        missing.append(_without_statements(facts, loaded, extension_version))
    if not facts.query_ids:
        missing.append(
            Missing(
                "compute_query_id is off",
                "statements cannot be tied to sessions",
                "ALTER SYSTEM SET compute_query_id = 'on'; SELECT pg_reload_conf()",
            )
        )
    if not facts.reads_all_stats:
        missing.append(
            Missing(
                f"role {facts.user} is not a member of pg_monitor",
                "other users' statements and waits are hidden",
                f"GRANT pg_monitor TO {_quoted(facts.user)}{_where(facts)}",
            )
        )
    if facts.settings.get("track_activities") == "off":
        missing.append(
            Missing(
                "track_activities is off",
                "sessions show no state and no statement",
                "ALTER SYSTEM SET track_activities = 'on'; SELECT pg_reload_conf()",
            )
        )
    return replace(facts, missing=tuple(missing))


def _without_statements(facts: ServerFacts, loaded: bool, extension_version: str) -> Missing:
    consequence = "statements are seen only when a session is caught running them"
    if not loaded:
        return Missing(
            "pg_stat_statements is not loaded",
            consequence,
            f"ALTER SYSTEM SET shared_preload_libraries = {_libraries(facts)}, restart, "
            f"then CREATE EXTENSION pg_stat_statements{_where(facts)}",
        )
    if extension_version:
        version = _version(extension_version)
        if version is not None and version < (1, 9):
            return Missing(
                f"pg_stat_statements {extension_version} is older than 1.9",
                consequence,
                f"ALTER EXTENSION pg_stat_statements UPDATE{_where(facts)}",
            )
        return Missing(
            "this role may not use the schema of pg_stat_statements",
            consequence,
            f"GRANT USAGE ON SCHEMA {_quoted(facts.statements_schema)} TO {_quoted(facts.user)}"
            f"{_where(facts)}",
        )
    return Missing(
        "pg_stat_statements is loaded, but not created in this database",
        consequence,
        f"CREATE EXTENSION pg_stat_statements{_where(facts)} (or connect to a database that has it)",
    )


def _libraries(facts: ServerFacts) -> str:
    """The value to set: what is there, as far as this role may read it, and the extension."""
    there = facts.settings.get("shared_preload_libraries")
    if there is None:
        return "pg_stat_statements (with what is there)"
    names = [one.strip().strip('"') for one in there.split(",") if one.strip()]
    return ", ".join(_quoted(one) for one in [*names, "pg_stat_statements"])


def _where(facts: ServerFacts) -> str:
    """Where a statement that writes has to run."""
    return " on the primary" if facts.in_recovery else ""


def _quoted(identifier: str) -> str:
    plain = identifier.isidentifier() and identifier == identifier.lower() and identifier.isascii()
    return identifier if plain else '"' + identifier.replace('"', '""') + '"'
