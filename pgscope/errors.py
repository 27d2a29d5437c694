"""Errors that end a command with one line and an exit status."""

from __future__ import annotations

EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_CONNECTION = 3
EXIT_REFUSED = 4


class PgscopeError(Exception):
    """An error to show as one line; `status` is the exit status."""

    status = 1


class UsageError(PgscopeError):
    """What was asked cannot be: a bad option, file or setting."""

    status = EXIT_USAGE


class ConnectionFailed(PgscopeError):
    """The server cannot be reached or does not let us in."""

    status = EXIT_CONNECTION
