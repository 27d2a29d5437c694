"""Asking for a password when the server wants one; it is kept in memory only."""

from __future__ import annotations

import getpass
import sys

from pgscope.capture.live import LiveSource
from pgscope.server.connection import PasswordNeeded

_TRIES = 3


async def open_asking(source: LiveSource, *, ask: bool) -> None:
    """Open the source's connection, asking for a password up to three times.

    Raises ConnectionFailed; PasswordNeeded where nobody can be asked.
    """
    for attempt in range(_TRIES + 1):
        try:
            await source.open()
            return
        except PasswordNeeded as error:
            if not ask or not sys.stdin.isatty() or attempt == _TRIES:
                raise
            if attempt:
                print(f"pgscope: {error}", file=sys.stderr)
            source.target = source.target.with_password(getpass.getpass(f"Password for {source.target}: "))
