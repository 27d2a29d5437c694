"""Django without a project: its settings, from a conninfo."""

from __future__ import annotations

import threading

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

_once = threading.Lock()


def configure(conninfo: str) -> None:
    """Set Django up for one database; later calls of the same process change nothing."""
    with _once:
        if settings.configured:
            return
        words = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": words.pop("dbname", ""),
            "USER": words.pop("user", ""),
            "HOST": words.pop("host", ""),
            "PORT": words.pop("port", ""),
            "OPTIONS": words,
            "CONN_MAX_AGE": None,
        }
        settings.configure(DATABASES={"default": database}, USE_TZ=True)
        django.setup()
