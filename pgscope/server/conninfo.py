"""What to connect to: the same words that psql takes, without a password ever being shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field, replace

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from pgscope.dataclass import dataclass
from pgscope.errors import UsageError
from pgscope.text import clean

_SECRET = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)

_IN_ENVIRONMENT = {"service": "PGSERVICE", "servicefile": "PGSERVICEFILE"}


@dataclass(frozen=True)
class Target:
    """A server to connect to: libpq parameters, secrets apart so that nothing prints them."""

    params: Mapping[str, str]
    _secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_timeout: str | None = None
    """The connect_timeout that psql would take: of the conninfo, the service or PGCONNECT_TIMEOUT."""

    def conninfo(self, **overrides: str) -> str:
        """A libpq connection string with the secrets in it: for psycopg only, never to be shown."""
        return make_conninfo("", **{**self.params, **self._secrets, **overrides})

    @property
    def has_secrets(self) -> bool:
        """Whether it holds a password or the like."""
        return bool(self._secrets)

    def with_password(self, password: str) -> Target:
        """The same server with this password."""
        return replace(self, _secrets={**self._secrets, "password": password})

    def with_database(self, database: str) -> Target:
        """The same server, another database."""
        return replace(self, params={**self.params, "dbname": database})

    def __str__(self) -> str:
        """What may be shown: host, port, database and role as far as they were given."""
        known = [
            f"{key}={self.params[key]}"
            for key in ("service", "host", "port", "dbname", "user")
            if self.params.get(key)
        ]
        return clean(" ".join(known), lines=False) or "the default server"


def target(
    conninfo: str = "",
    *,
    host: str | None = None,
    port: str | None = None,
    user: str | None = None,
    dbname: str | None = None,
) -> Target:
    """The target that psql would take from a CONNINFO and -h, -p, -U, -d; an option given beats the string.

    A bare word is a database. Raises UsageError for a string that libpq cannot read.
    """
    params: dict[str, str] = {}
    for text in (dbname or "", conninfo):
        if text:
            params = {**params, **_parse(text)}
    given = {"host": host, "port": port, "user": user}
    params.update({key: value for key, value in given.items() if value})
    try:
        make_conninfo("", **params)
    except psycopg.ProgrammingError as error:
        raise UsageError(_first_line(error)) from None
    secrets = {key: value for key, value in params.items() if key in _SECRET}
    shown = {key: value for key, value in params.items() if key not in _SECRET}
    # Asked once, and not at each connect: the environment is changed for it, and threads may read that then.
    return Target(shown, secrets, shown.get("connect_timeout") or _default("connect_timeout", shown))


def _parse(text: str) -> dict[str, str]:
    if "=" not in text and not text.startswith(("postgresql://", "postgres://")):
        return {"dbname": text}
    try:
        return {key: str(value) for key, value in conninfo_to_dict(text).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq's own words repeat what was typed, and that may hold a password.
        raise UsageError(
            "cannot read the CONNINFO: use a URI (postgresql://host/db) or pairs (host=... dbname=...)"
        ) from None


def _default(option: str, params: Mapping[str, str]) -> str | None:
    """What libpq takes for an option that is not among the parameters, from service file and environment."""
    # It reads the file of a service only for one that the environment names.
    named = {_IN_ENVIRONMENT[key]: value for key, value in params.items() if key in _IN_ENVIRONMENT}
    before = {variable: os.environ.get(variable) for variable in named}
    os.environ.update(named)
    try:
        defaults = Conninfo.get_defaults()
    finally:
        for variable, value in before.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value
    (found,) = [one.val for one in defaults if one.keyword == option.encode()]
    return found.decode("utf-8", "replace") if found else None


def _first_line(error: Exception) -> str:
    lines = clean(str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
