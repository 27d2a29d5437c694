"""From a source to the screen: connect first, so that a failure is one line and not a screen."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pgscope.capture.actions import Actions
from pgscope.capture.audit import AuditLog, default_audit_path
from pgscope.capture.checking import Checking
from pgscope.capture.live import LiveSource
from pgscope.cli.allocator import give_back
from pgscope.cli.password import open_asking, with_password_for
from pgscope.config import Config
from pgscope.dataclass import dataclass
from pgscope.server.conninfo import Target
from pgscope.tui.hush import begin_screen

if TYPE_CHECKING:
    from pgscope.capture.explaining import Explaining

_AT_ONCE = 0.005
"""Seconds in which it is known that nobody listens there."""


@dataclass(frozen=True)
class Look:
    """How the screen is to be: with the mouse or without, with actions or without, explaining how."""

    mouse: bool = True
    read_only: bool = False
    title: str = ""
    explain_on: Target | None = None
    """Another server for every EXPLAIN."""
    allow_superuser_analyze: bool = False
    plans: Path | None = None
    """Where plans are kept; None for the user's state folder."""


def settle(config: Config, filter_typed: str | None, redact_typed: bool | None = None) -> Config:
    """The configuration for the screen, with what was typed.

    Call it first of all: it raises UsageError for a filter, theme or key that cannot be.
    """
    # Read by Textual when it is imported: pixel mouse reports break some terminals over SSH.
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    if filter_typed is not None:
        config = replace(config, filter=filter_typed)
    if redact_typed is not None:
        config = replace(config, redact=redact_typed)
    if config.filter or config.theme or config.keymap or config.columns:
        from pgscope.tui.settings import check

        check(config)
    return config


def show(
    source: LiveSource,
    look: Look,
    config: Config,
    *,
    ask: bool,
    others: Sequence[tuple[str, LiveSource]] = (),
) -> int:
    """Connect and run the screen until it is quit; return the exit status. `config` is a settled one.

    `others` are watched beside the first, each with its title. Raises ConnectionFailed if the first
    connection fails; with several, if all do.
    """
    give_back()
    return asyncio.run(_show([(look.title, source), *others], look, config, ask))


async def _open(sources: Sequence[tuple[str, LiveSource]], ask: bool) -> list[str]:
    """Open the connections; the titles of their servers. Raises ConnectionFailed."""
    for _, source in sources:
        source.sessions_first = True
    if len(sources) == 1:
        await open_asking(sources[0][1], ask=ask)
        return [sources[0][0]]
    from pgscope.cli.several import names, open_all

    titles = names(sources)
    await open_all([source for _, source in sources], titles, ask=ask)
    return titles


async def _show(sources: Sequence[tuple[str, LiveSource]], look: Look, config: Config, ask: bool) -> int:
    opening = asyncio.create_task(_open(sources, ask))
    if not (await asyncio.wait({opening}, timeout=_AT_ONCE))[0]:
        # A server takes several round trips to let one in, and one more to tell of its sessions.
        await asyncio.to_thread(import_module, "pgscope.tui.app")
    titles = await opening
    explain_on = look.explain_on and await with_password_for(look.explain_on, ask=ask)
    from pgscope.tui.app import PgscopeApp
    from pgscope.tui.served import Server

    made: list[Explaining] = []

    def explaining(where: Target) -> Explaining:
        from pgscope.capture.explaining import Explaining
        from pgscope.capture.plan_store import PlanStore

        made.append(
            Explaining(
                where,
                elsewhere=explain_on,
                allow_superuser_analyze=look.allow_superuser_analyze,
                store=PlanStore(look.plans),
            )
        )
        return made[-1]

    # After the connections were opened: the targets know their passwords by now.
    servers = [
        Server(
            source,
            title,
            Actions(source.target, AuditLog(default_audit_path()), read_only=look.read_only),
            partial(explaining, source.target),
            Checking(source.target),
        )
        for title, (_, source) in zip(titles, sources, strict=True)
    ]
    first, *beside = servers
    app = PgscopeApp(
        first.source,
        read_only=look.read_only,
        title=first.title,
        actions=first.actions,
        explaining=first.explaining,
        checking=first.checking,
        config=config,
        others=beside,
    )
    begin_screen()
    try:
        await app.run_async(mouse=look.mouse)
    finally:
        for one in made:
            await one.close()
        for _, source in sources:
            await source.close()
    if app.fatal is not None:
        raise app.fatal
    return app.return_code or 0
