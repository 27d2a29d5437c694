"""From a source to the screen: connect first, so that a failure is one line and not a screen."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from pgscope.capture.actions import Actions
from pgscope.capture.audit import AuditLog, default_audit_path
from pgscope.capture.live import LiveSource
from pgscope.cli.password import open_asking


@dataclass(frozen=True)
class Look:
    """How the screen is to be: with the mouse or without, with actions or without."""

    mouse: bool = True
    read_only: bool = False
    title: str = ""


def show(source: LiveSource, look: Look, *, ask: bool) -> int:
    """Connect and run the screen until it is quit; return the exit status.

    Raises ConnectionFailed if the first connection fails.
    """
    # Read by Textual when it is imported: pixel mouse reports break some terminals over SSH.
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    return asyncio.run(_show(source, look, ask))


async def _show(source: LiveSource, look: Look, ask: bool) -> int:
    await open_asking(source, ask=ask)
    from pgscope.tui.app import PgscopeApp

    # After the connection was opened: the target knows the password by now.
    actions = Actions(source.target, AuditLog(default_audit_path()), read_only=look.read_only)
    app = PgscopeApp(source, read_only=look.read_only, title=look.title, actions=actions)
    try:
        await app.run_async(mouse=look.mouse)
    finally:
        await source.close()
    return app.return_code or 0
