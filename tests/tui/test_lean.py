"""What a watch needs nothing of stays out, and a server is spoken to through TLS all the same."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgscope.embedded import EmbeddedServer
from tests.servers import Servers
from tests.tui.terminal import Terminal

KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsv6iFCUqxQpaMOlH
lgKx0LITMJ2n+graQwwdmrXYkfahRANCAATLpaHNp6XxrSMQn7IO3Uz576HXzoDr
ZXScId5lw8bkHIJloZmtXpC+C6f+B9fGif6K3NylG9GWY7h67UnHZFSM
-----END PRIVATE KEY-----"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUXrNSCIgFJ5hZt+bSV1/zTvQOgz8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjA5MTUwMFoYDzIxMjYxMTAy
MDkxNTAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATLpaHNp6XxrSMQn7IO3Uz576HXzoDrZXScId5lw8bkHIJloZmtXpC+
C6f+B9fGif6K3NylG9GWY7h67UnHZFSMo1MwUTAdBgNVHQ4EFgQUkXmkdHL92YNe
EVGHO2hxU/cOi2EwHwYDVR0jBBgwFoAUkXmkdHL92YNeEVGHO2hxU/cOi2EwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBk5UQA1O4jgQLcgbwozRuQ
KQEElTINDWU2NpzPBZ0KfwIhAM/kqdJuB1wcJA8cKzSHfjrvOr8HF569ETDdbNPi
3I5N
-----END CERTIFICATE-----"""
"""Of this test alone, until 2126; nobody verifies it."""


@pytest.fixture
def enciphered(pg_major: int) -> Iterator[EmbeddedServer]:
    """A server that takes connections through TLS only."""
    server = Servers().fresh(pg_major, {"listen_addresses": "127.0.0.1"})
    try:
        with psycopg.connect(server.conninfo, autocommit=True) as admin:
            for name, text in (("server.key", KEY), ("server.crt", CERTIFICATE)):
                copy = f"COPY (SELECT unnest(string_to_array('{text}', E'\\n'))) TO PROGRAM"
                admin.execute(f"{copy} 'umask 077 && cat > {name}'".encode())
            admin.execute("COPY (SELECT 'hostssl all all 127.0.0.1/32 trust') TO PROGRAM 'cat > pg_hba.conf'")
            admin.execute("ALTER SYSTEM SET ssl = on")
        server.shut_down()
        server.start_again()
        yield server
    finally:
        server.stop("immediate")


@pytest.mark.one_major("what the server does is the same on all: it is the client that is tested")
def test_a_server_is_watched_through_tls_without_pythons_openssl(enciphered: EmbeddedServer) -> None:
    address = f"host=127.0.0.1 port={enciphered.port} user=postgres dbname=postgres"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"{address} sslmode=disable")
    with (
        psycopg.connect(f"{address} sslmode=require", autocommit=True) as other,
        Terminal("connect", f"{address} sslmode=require") as terminal,
    ):
        terminal.until("1 Applications")
        rows = other.execute(
            "SELECT ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'pgscope'"
        ).fetchall()
        assert rows
        assert {ssl for (ssl,) in rows} == {True}
        maps = Path(f"/proc/{terminal.child.pid}/maps")
        if sys.platform == "linux":
            loaded = {line.rsplit("/", 1)[-1] for line in maps.read_text().splitlines()}
            assert any(name.startswith("_asyncio") for name in loaded)
            assert not [name for name in loaded if name.startswith(("_ssl.", "_hashlib."))]
        terminal.press("q")
        assert terminal.ended() == 0


LEFT_OUT = "from pgscope.cli.lean import import_lean; import_lean()"


def _told(code: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not ran.stderr
    return ran.stdout.splitlines()


def test_who_imports_it_afterwards_has_it() -> None:
    hashes = (
        "import hashlib; print(*(hashlib.new(n, b'x').hexdigest() for n in ('sha256', 'sha1', 'md5')),"
        " hashlib.blake2b(b'x').hexdigest(), hashlib.shake_128(b'x').hexdigest(9))"
    )
    names = ("ssl", "_ssl", "_hashlib", "importlib.metadata", "email", "zipfile")
    loaded = f"import sys; print([m for m in {names} if m in sys.modules])"
    later = "import ssl, hmac, secrets; print(ssl.create_default_context().check_hostname)"
    version = "from importlib import metadata; print(metadata.version('psycopg'), metadata)"
    none, checks, named, *ours = _told("; ".join((LEFT_OUT, loaded, later, version, hashes)))
    assert none == "[]"
    assert checks == "True"
    assert [named] == _told(version)
    assert ours == _told(hashes)


def test_what_is_shown_at_first_needs_none_of_it() -> None:
    screen = "import sys, pgscope.cli.connect, pgscope.tui.app, pgscope.tui.views.applications"
    loaded = "print([m for m in ('ssl', 'importlib.metadata', 'email', 'zipfile') if m in sys.modules])"
    assert _told("; ".join((LEFT_OUT, screen, loaded))) == ["[]"]


def test_where_it_is_there_already_nothing_is_done() -> None:
    before = "import ssl, sys, asyncio.sslproto as tls"
    after = "print(sys.modules['ssl'] is ssl is tls.ssl, 'psycopg' in sys.modules)"
    assert _told("; ".join((before, LEFT_OUT, after))) == ["True False"]


def test_what_trees_need_comes_with_the_first_tree_also_for_two_at_once() -> None:
    parser = "import sys; from pglast import parser; print(parser.fingerprint('select 1'))"
    there = "print(type(sys.modules['pglast.ast']).__name__, 'pglast.enums.nodes' in sys.modules)"
    tree = (
        "import pglast; from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "with Pool(8) as pool:\n"
        "    names = ('enums.nodes', 'stream', 'printers', 'enums.parsenodes')\n"
        "    found = [pool.submit(__import__, f'pglast.{name}') for name in names]\n"
        "    trees = list(pool.map(pglast.parse_sql, ['select 1 order by 1'] * 40))\n"
        "print(*set(map(repr, trees)))\n"
        "print(pglast.enums.SortByDir.SORTBY_ASC.name, pglast.ast.SelectStmt is type(trees[0][0].stmt))\n"
        "from pglast.enums import *; print(CmdType.CMD_SELECT.name)\n"
        "print(pglast.prettify('select 1'), hasattr(pglast.ast, 'Nothing'), pglast.ast)"
    )
    lean = _told("\n".join((LEFT_OUT, parser, there, tree, there)))
    whole = _told("\n".join((parser, there, tree, there)))
    assert lean[1] == "_LateModule False"
    assert lean[-1] == "module True"
    assert lean[:1] + lean[2:] == whole[:1] + whole[2:]
