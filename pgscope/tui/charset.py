"""Which characters the terminal was said to have: Python writes UTF-8 in a C locale too (PEP 538, 540)."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_INSISTS = ("PYTHONUTF8", "PYTHONIOENCODING")
"""Whoever sets one of these knows better."""


def keep_to_locale() -> None:
    """Draw in ASCII on a terminal without UTF-8. Textual draws on standard error."""
    stream = sys.__stderr__
    if isinstance(stream, io.TextIOWrapper) and is_ascii(_given()):
        stream.reconfigure(encoding="ascii", errors="replace")


def is_ascii(environment: Mapping[str, str]) -> bool:
    """Whether the locale is the one that has ASCII only; one that is not said at all tells nothing."""
    if any(environment.get(name) for name in _INSISTS):
        return False
    said = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, said), "") in ("C", "POSIX")


def _given() -> Mapping[str, str]:
    """The environment as it was when the program began: Python sets LC_CTYPE itself where LANG is C."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return os.environ
    pairs = (entry.decode("utf-8", "replace").partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}
