"""A server that lets us in and then says nothing: each command ends, and says so."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgscope.capture import checking, live
from pgscope.embedded import EmbeddedServer
from pgscope.errors import EXIT_CONNECTION
from pgscope.sample import Connected, Disconnected
from pgscope.server import connection
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from tests.proxy import Proxy
from tests.streams import streaming
from tests.test_cli import only_line, ran

SETTLING = b"set_config(name"
LEARNING = b"pg_is_in_recovery"


@pytest.fixture
def door(pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A door before the server; who waits behind it is impatient."""
    for module in (connection, checking):
        monkeypatch.setattr(module, "_ANSWER", 0.5)
    for room in ("live", "sampling", "lost"):
        monkeypatch.setattr(f"pgscope.capture.{room}.ANSWER", 0.5)
    monkeypatch.setattr(live, "_QUIET", 0.2)
    monkeypatch.setattr("pgscope.capture.lost.BACKOFF_MOST", 0.2)
    # The path of a socket must be short.
    socket = f"{pg.socket_dir}/.s.PGSQL.{pg.port}"
    with tempfile.TemporaryDirectory(prefix="pgs-") as folder, Proxy(Path(folder), socket) as proxy:
        yield proxy


def conninfo(door: Proxy) -> str:
    return f"host={door.folder} port=5432 user=postgres dbname=postgres"


@pytest.mark.parametrize(
    ("words", "hush"),
    [
        (["doctor"], SETTLING),
        (["doctor"], LEARNING),
        (["report", "--duration", "1"], SETTLING),
        (["report", "--duration", "1"], LEARNING),
        (["explain", "--queryid", "1"], SETTLING),
        (["explain", "--queryid", "1"], b"pg_extension"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else " ".join(value),
)
@pytest.mark.one_major("what ends the wait is ours, not the server's")
def test_commands_end(door: Proxy, words: list[str], hush: bytes) -> None:
    door.hush = hush
    done = ran(*words, "-d", conninfo(door))
    assert "the server does not answer" in only_line(done.stderr)
    assert done.returncode == EXIT_CONNECTION


@pytest.mark.one_major("what ends the wait is ours, not the server's")
async def test_a_watch_goes_on_trying_and_says_why(door: Proxy) -> None:
    door.hush = LEARNING
    async with streaming(conninfo(door)) as stream:
        for _ in range(2):
            await stream.more(Disconnected)
            assert "the server does not answer" in stream.snapshot.link.reason
        door.hush = b""
        await stream.more(Connected)


async def test_a_role_with_other_defaults(pg: EmbeddedServer) -> None:
    """What a role has by default does not hold for our sessions."""
    defaults = {
        "default_transaction_isolation": ("serializable", "read committed"),
        "default_transaction_deferrable": ("on", "off"),
        "idle_session_timeout": ("1h", "0"),
    }
    if pg.version_num >= 170000:
        defaults["transaction_timeout"] = ("1h", "0")
    with psycopg.connect(pg.conninfo, autocommit=True) as admin:
        admin.execute("create role t_defaults login")
        try:
            for setting, (value, _) in defaults.items():
                admin.execute(f"alter role t_defaults set {setting} = '{value}'".encode())
            own = await connect(target(pg.conninfo_for(user="t_defaults")))
            try:
                for setting, (_, ours) in defaults.items():
                    row = await (await own.execute(f"show {setting}".encode())).fetchone()
                    assert row == (ours.encode(),), setting
            finally:
                await own.close()
        finally:
            admin.execute("drop role t_defaults")
