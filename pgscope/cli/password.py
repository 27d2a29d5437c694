"""Asking for a password when the server wants one; it is kept in memory only."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pgscope.capture.live import LiveSource
from pgscope.cli.streams import write_stderr
from pgscope.errors import ConnectionFailed
from pgscope.server.connection import PasswordNeeded
from pgscope.server.conninfo import Target
from pgscope.tui.hush import clear

T = TypeVar("T")

_TRIES = 3


async def asking(target: Target, use: Callable[[Target], Awaitable[T]], *, ask: bool) -> T:
    """Use a target; where its server wants a password, ask for one, up to three times.

    Raises what `use` raises; PasswordNeeded where nobody can be asked.
    """
    for attempt in range(_TRIES + 1):
        try:
            return await use(target)
        except PasswordNeeded as error:
            if not ask or not sys.stdin.isatty() or attempt == _TRIES:
                raise
            if attempt:
                write_stderr(f"pgscope: {error}")
            clear()
            target = target.with_password(getpass.getpass(f"Password for {target}: "))
    raise AssertionError("not reached")


async def with_password_for(target: Target, *, ask: bool) -> Target:
    """The target with the password that its server wants, asked for if need be. Raises PasswordNeeded.

    A server that cannot be reached now is as good as one without a password: it may come back.
    """

    from pgscope.server.explain import identity

    async def use(tried: Target) -> Target:
        await identity(tried)
        return tried

    try:
        return await asking(target, use, ask=ask)
    except PasswordNeeded:
        raise
    except ConnectionFailed:
        return target


async def open_asking(source: LiveSource, *, ask: bool) -> None:
    """Open the source's connection, asking for a password where one is wanted. Raises ConnectionFailed."""

    async def use(target: Target) -> None:
        source.target = target
        await source.open()

    await asking(source.target, use, ask=ask)
