"""What is connected to: psql's words, and no password ever shown."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pgscope.errors import EXIT_USAGE, ConnectionFailed, UsageError
from pgscope.server.connection import connect
from pgscope.server.conninfo import target
from tests.test_cli import only_line, ran


def test_takes_a_uri_pairs_or_a_database() -> None:
    assert dict(target("postgresql://ann@db.example:5433/shop").params) == {
        "user": "ann",
        "host": "db.example",
        "port": "5433",
        "dbname": "shop",
    }
    assert dict(target("host=/tmp dbname=shop").params) == {"host": "/tmp", "dbname": "shop"}
    assert dict(target("shop").params) == {"dbname": "shop"}


def test_an_option_beats_the_conninfo() -> None:
    made = target("host=a user=x dbname=shop", host="b", port="6000", user="y", dbname="other")
    assert dict(made.params) == {"host": "b", "port": "6000", "user": "y", "dbname": "shop"}
    assert dict(target("", dbname="host=c dbname=d").params) == {"host": "c", "dbname": "d"}


@pytest.mark.parametrize(
    "conninfo", ["postgresql://ann:s3cret@h/d", "host=h password=s3cret", "postgres://h/d?password=s3cret"]
)
def test_a_password_is_never_shown(conninfo: str) -> None:
    made = target(conninfo)
    assert "s3cret" not in repr(made) + str(made)
    assert "s3cret" in made.conninfo()
    assert "s3cret" in made.with_database("x").conninfo()
    assert "other" in target("d").with_password("other").conninfo()


@pytest.mark.parametrize("conninfo", ["host=", "host='a", "pasword=s3cret", "postgresql://[::1/db?x=s3cret"])
def test_what_cannot_be_read_is_a_usage_error_without_the_secret(conninfo: str) -> None:
    if conninfo == "host=":
        assert dict(target(conninfo).params) == {"host": ""}
        return
    with pytest.raises(UsageError) as raised:
        target(conninfo)
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_timeout_is_the_one_that_psql_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.write_text("[slow]\nhost=a\nconnect_timeout=33\n[plain]\nhost=a\n")
    assert target("host=a").connect_timeout is None
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "22")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert target("host=a").connect_timeout == "22"
    assert target("service=plain").connect_timeout == "22"
    assert target("service=none").connect_timeout == "22"
    assert target("service=slow").connect_timeout == "33"
    assert target("service=slow connect_timeout=44").connect_timeout == "44"
    monkeypatch.setenv("PGSERVICE", "slow")
    assert target("host=a").connect_timeout == "33"
    assert target("service=plain").connect_timeout == "22"


def test_the_timeout_is_asked_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not at each connect, when other threads may read the environment, which is changed for it."""
    services = tmp_path / "services"
    services.write_text("[slow]\nhost=a\nconnect_timeout=33\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    slow = target("service=slow")
    services.unlink()
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "22")
    assert slow.connect_timeout == "33"
    assert slow.with_database("b").with_password("p").connect_timeout == "33"


async def test_a_timeout_of_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgscope.server.connection.CONNECT_TIMEOUT", 600)
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ConnectionFailed, match="timeout expired"),
    ):
        await connect(target(f"host=127.0.0.1 port={silent.getsockname()[1]}"))


def test_a_timeout_that_is_no_number_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    done = ran("doctor", "-d", "host=127.0.0.1 port=1 connect_timeout=abc")
    assert done.returncode == EXIT_USAGE
    assert "connect_timeout" in only_line(done.stderr)
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "abc")
    assert ran("doctor", "-d", "host=127.0.0.1 port=1").returncode == EXIT_USAGE
