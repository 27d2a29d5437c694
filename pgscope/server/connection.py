"""Opening pgscope's connections: named, autocommit, read-only by default, with timeouts of their own."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.rows import TupleRow

from pgscope.ending import within
from pgscope.errors import ConnectionFailed, PgscopeError, UsageError
from pgscope.server.conninfo import Target
from pgscope.server.pooler import require_own_session
from pgscope.text import clean, one_line

# What they log (a cancellation cut short, say) would come out on standard error, where the screen is, in
# words of the server as they are.
for _library in ("psycopg", "asyncio"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

APPLICATION_NAME = "pgscope"
CONNECT_TIMEOUT = 10
"""Seconds, where neither conninfo, service nor environment say."""
_ANSWER = 20.0
"""Seconds until a server that let us in and then says nothing counts as out of reach."""
_T = TypeVar("_T")

Connection: TypeAlias = "psycopg.AsyncConnection[TupleRow]"


class PasswordNeeded(ConnectionFailed):
    """The server wants a password and none (or none that works) was given."""


_SESSION = {
    # Nothing of ours runs on or waits for long; a poll that cannot finish must not hold the server.
    "statement_timeout": "10s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "10s",
    # What a role has by default must not end a session that waits for its next look, or slow each statement.
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # An object in a user's schema must not stand in for one of the catalog.
    "search_path": "pg_catalog",
    "default_transaction_read_only": "on",
    "jit": "off",
    # Ten looks a second are the same plan: to plan each anew takes a third of their processor time.
    "plan_cache_mode": "force_generic_plan",
    "debug_print_parse": "off",
    "debug_print_rewritten": "off",
    "debug_print_plan": "off",
    "bytea_output": "hex",
    "DateStyle": "ISO",
}
_AS_SUPERUSER = {
    # Keeps pgscope's own statements out of what it watches and out of the log.
    "pg_stat_statements.track": "none",
    "auto_explain.log_min_duration": "-1",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_duration": "off",
    "log_statement": "none",
    "log_statement_stats": "off",
    "log_parser_stats": "off",
    "log_planner_stats": "off",
    "log_executor_stats": "off",
}


async def connect(target: Target, *, statement_timeout_ms: int | None = None) -> Connection:
    """Open a connection to the target, with pgscope's session settings.

    `statement_timeout_ms` replaces the default of 10 s. Raises PasswordNeeded or ConnectionFailed, or
    UsageError for an option that libpq refuses, each with one line that says what to do.
    """
    overrides = {
        "application_name": APPLICATION_NAME,
        "client_encoding": "SQL_ASCII",
        # psycopg keeps the time in place of libpq, and reads no service file.
        "connect_timeout": target.connect_timeout or str(CONNECT_TIMEOUT),
    }

    async def open_() -> Connection:
        return await psycopg.AsyncConnection.connect(
            target.conninfo(**overrides), autocommit=True, prepare_threshold=0
        )

    try:
        connection = await open_()
    except psycopg.OperationalError as error:
        raise _failure(target, error) from None
    except psycopg.ProgrammingError as error:
        raise UsageError(
            f"cannot connect to {target}: {one_line(clean(str(error)))}; check the CONNINFO, the service and "
            "PGCONNECT_TIMEOUT"
        ) from None
    except UnicodeError:
        # A label of the name is empty or too long, or what no name may hold.
        raise UsageError(f"cannot connect to {target}: that is no name of a host; check -h") from None
    try:
        pid = connection.info.backend_pid
        if not await answered(target, _settle(connection, statement_timeout_ms, pid)):
            await require_own_session(connection, open_)
            await answered(target, _settle(connection, statement_timeout_ms, None))
    except psycopg.Error as error:
        await connection.close()
        raise _failure(target, error) from None
    except BaseException:
        await connection.close()
        raise
    return connection


async def answered(target: Target, work: Coroutine[Any, Any, _T], seconds: float | None = None) -> _T:
    """What the work on the server returns; raises ConnectionFailed if that takes longer than `seconds`.

    By default 20 s, as much as two statements of ours may take.
    """
    patience = _ANSWER if seconds is None else seconds
    try:
        return await within(patience, work)
    except asyncio.TimeoutError:
        raise ConnectionFailed(
            f"cannot use {target}: the server does not answer (nothing for {patience:g} s); check the "
            "network, and whether the server is stopped or overloaded"
        ) from None


async def _settle(connection: Connection, statement_timeout_ms: int | None, pid: int | None) -> bool:
    """Set what is pgscope's in the session, if its backend has this pid; whether it was so.

    Behind a pooler it has another than the protocol told.
    """
    settings = dict(_SESSION)
    if statement_timeout_ms is not None:
        settings["statement_timeout"] = str(statement_timeout_ms)
    if connection.pgconn.parameter_status(b"is_superuser") == b"on":
        settings.update(_AS_SUPERUSER)
    cursor = await connection.execute(
        "select /* pgscope */ pg_catalog.set_config(name, value, false)"
        " from unnest(%s::text[], %s::text[]) as s(name, value)"
        # A name not known here (pg_stat_statements not loaded) would be taken as a placeholder: leave it out.
        " where exists (select from pg_catalog.pg_settings p where p.name = s.name)"
        " and pg_catalog.pg_backend_pid() = coalesce(%s, pg_catalog.pg_backend_pid())",
        (list(settings), list(settings.values()), pid),
        prepare=False,
    )
    return cursor.rowcount > 0


def _failure(target: Target, error: psycopg.Error) -> PgscopeError:
    pgconn = error.pgconn
    reason = one_line(clean(str(error)))
    if "for connection option" in reason or re.search(r"invalid \w+ value", reason):
        # libpq reads the values of options only when it connects.
        return UsageError(f"{_short(reason)}; check -h, -p, -U, -d and the CONNINFO")
    if pgconn is not None and (pgconn.needs_password or pgconn.used_password):
        absent = bool(pgconn.needs_password)
        advice = (
            "give one with PGPASSWORD or .pgpass" if absent else "check the password (PGPASSWORD, .pgpass)"
        )
        if absent or "password authentication failed" in reason:
            return PasswordNeeded(f"cannot connect to {target}: {_short(reason)}; {advice}")
    return ConnectionFailed(f"cannot connect to {target}: {_short(reason)}; {_advice(reason)}")


def _short(reason: str) -> str:
    for noise in ("connection is bad: ", "connection failed: ", "FATAL: "):
        reason = reason.replace(noise, "")
    return re.sub(r"\s*Is the server running .*\?", "", reason).rstrip(". ")


def _advice(reason: str) -> str:
    hints = {
        "no pg_hba.conf entry": "ask for an entry in pg_hba.conf for this host, user and database",
        'role "': "check the role (-U), or list the roles with \\du in psql",
        "does not exist": "check the database (-d), or list them with psql -l",
        "too many": "free a connection, or use a role that may take a reserved one",
        "starting up": "wait until the server has started",
        "shutting down": "wait until the server has been started again",
        "No such file": "check that the server runs, and host and port (-h, -p)",
        "refused": "check that the server runs, and host and port (-h, -p)",
        "timeout": "check host, port and firewall",
        "resolve": "check the host name (-h)",
        "translate host name": "check the host name (-h)",
        "definition of service": "check the service name and pg_service.conf",
        "SSL": "check sslmode and the certificates",
    }
    for words, hint in hints.items():
        if words in reason:
            return hint
    return "check host, port, user and database (-h -p -U -d)"
