"""Whether the server is being shut down and waits for its sessions to end: asked at its door.

In a smart shutdown (`pg_ctl stop -m smart`, SIGTERM) sessions go on as ever and for as long as they like; all
that tells is that new ones are refused.
"""

from __future__ import annotations

import asyncio
import struct
from enum import Enum, auto

import psycopg
from psycopg import sql

from pgscope.server.connection import APPLICATION_NAME, Connection
from pgscope.server.conninfo import Target

_PATIENCE = 5.0
"""Seconds to wait for an answer."""
_PROTOCOL = 3 << 16
_NOT_NOW = "57P03"
"""cannot_connect_now: where a session of ours is up, the server itself cannot be starting."""
_STARTING = ("starting up", "recovery", "accepting connections")
"""Of what a server says with that code where it is another one, that is not up yet."""
_STARTED = sql.SQL("select /* pgscope */ date_part('epoch', pg_catalog.pg_postmaster_start_time())")


class Door(Enum):
    """What a knock at a server's door was answered."""

    OPEN = auto()
    ANOTHER = auto()
    """By another server: the address is that of a balancer."""
    REFUSED = auto()
    """For a reason that has nothing to do with a shutdown, or not answered."""
    CLOSING = auto()
    """The server lets nobody in any more, and ends when those inside are gone."""


async def knock(connection: Connection, target: Target, started: float) -> Door:
    """Open one more session at the address of `connection`, and end it at once.

    `started` is when the server of the connection was started, epoch seconds.
    """
    info = connection.info
    conninfo = target.conninfo(
        host=info.host,
        port=str(info.port),
        hostaddr=_hostaddr(connection),
        application_name=APPLICATION_NAME,
        connect_timeout=str(int(_PATIENCE)),
    )
    try:
        opened = await asyncio.wait_for(psycopg.AsyncConnection.connect(conninfo, autocommit=True), _PATIENCE)
    except (psycopg.Error, OSError, asyncio.TimeoutError) as error:
        # A pooler passes the server's words on; the server itself may say them in another language.
        if "shutting down" in str(error):
            return Door.CLOSING
        if any(words in str(error) for words in _STARTING):
            return Door.REFUSED
        return Door.CLOSING if await _refusal(connection) == _NOT_NOW else Door.REFUSED
    try:
        row = await (await asyncio.wait_for(opened.execute(_STARTED), _PATIENCE)).fetchone()
    except (psycopg.Error, OSError, asyncio.TimeoutError):
        return Door.REFUSED
    finally:
        await opened.close()
    return Door.OPEN if row is not None and row[0] == started else Door.ANOTHER


def _hostaddr(connection: Connection) -> str:
    return "" if connection.info.host.startswith("/") else connection.info.hostaddr


async def _refusal(connection: Connection) -> str:
    """The SQLSTATE with which a new session is refused before it is asked who it is, or nothing."""
    try:
        return await asyncio.wait_for(_first_answer(connection), _PATIENCE)
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.TimeoutError):
        return ""


async def _first_answer(connection: Connection) -> str:
    info = connection.info
    if info.host.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(f"{info.host}/.s.PGSQL.{info.port}")
    else:
        reader, writer = await asyncio.open_connection(_hostaddr(connection) or info.host, info.port)
    try:
        words = ("user", info.user, "database", info.dbname, "")
        body = struct.pack("!i", _PROTOCOL) + b"".join(word.encode() + b"\0" for word in words)
        writer.write(struct.pack("!i", len(body) + 4) + body)
        kind, length = struct.unpack("!ci", await reader.readexactly(5))
        if kind != b"E":
            return ""
        fields = (await reader.readexactly(min(length - 4, 8192))).split(b"\0")
        return next((field[1:].decode("ascii", "replace") for field in fields if field[:1] == b"C"), "")
    finally:
        writer.close()
