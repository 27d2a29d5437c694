"""What is connected to: psql's words, and no password ever shown."""

from __future__ import annotations

import pytest

from pgscope.errors import UsageError
from pgscope.server.conninfo import target


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
