"""One of the servers that the app watches: its samples, what acts on it and explains there, its screens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from textual.app import App

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.snapshot import Link, Snapshot
from pgscope.analysis.watch import Watch
from pgscope.capture.source import Source
from pgscope.capture.tap import Tap
from pgscope.dataclass import dataclass
from pgscope.driver import Driver
from pgscope.text import clean, one_line
from pgscope.tui.frame import Frame
from pgscope.tui.header import where
from pgscope.tui.replay.past import Past

if TYPE_CHECKING:
    from pgscope.capture.actions import Actions
    from pgscope.capture.checking import Checking
    from pgscope.capture.explaining import Explaining
    from pgscope.capture.recording.recording import Recording
    from pgscope.tui.acting.hands import Hands
    from pgscope.tui.plans.planner import Planner

_AGAIN_AFTER = 5.0
"""Seconds until a watch that failed by a bug of ours starts again."""

NOTHING_YET = Snapshot(0.0, 0.0, 0.0, Link(True, 0.0))


@dataclass(frozen=True)
class Begin:
    """How a recording is begun with: where (epoch seconds; None: its start), and whether it plays."""

    at: float | None = None
    playing: bool = True


@dataclass(frozen=True)
class Server:
    """A server as the app is given it: `source` gives samples, `actions` act on it, `explaining` plans."""

    source: Source
    title: str = ""
    actions: Actions | None = None
    explaining: Callable[[], Explaining] | None = None
    """Called when something is explained for the first time: what it brings would double the start."""
    checking: Checking | None = None
    """What looks its set-up over."""
    recording: Recording | None = None
    """Is shown instead of what the source gives."""
    begin: Begin = Begin()


class Served:
    """A server while the app runs. `told` is called with it after each poll, change of the link, or failure.

    `newest` is the last picture taken, `snapshot` the one on the screen: they differ while it is paused.
    """

    def __init__(
        self,
        app: App[None],
        number: int,
        server: Server,
        told: Callable[[Served], None],
        *,
        redact: bool = False,
    ) -> None:
        self.number = number
        self.title = server.title
        self._begin = server.begin
        self._recorded = server.recording is not None
        self.past = Past(app, self._name, server.recording, self._past_changed, redact=redact)
        self.source = server.source
        self.checking = server.checking
        self._app = app
        self._given = server
        self.frames: dict[str, Frame] = {}
        self.newest = self._now = NOTHING_YET
        self.snapshot = NOTHING_YET
        self.failure = ""
        self._told = told
        self._watch: Watch | None = None

    def _name(self) -> str:
        facts = self._now.facts
        return self.title or (where(facts) if facts is not None else "")

    @cached_property
    def hands(self) -> Hands:
        """What cancels and terminates, made when it is first asked for."""
        from pgscope.tui.acting.hands import Hands

        hands = Hands(self._app, self._given.actions)
        hands.blocked = lambda: self.past.refusal
        return hands

    @cached_property
    def planner(self) -> Planner:
        """What explains, made when it is first asked for."""
        from pgscope.tui.plans.planner import Planner

        explaining = self._given.explaining
        planner = Planner(self._app, explaining() if explaining is not None else None)
        planner.blocked = lambda: self.past.refusal
        return planner

    @property
    def down(self) -> bool:
        """Whether it cannot be reached at the moment."""
        return not self.snapshot.link.connected

    async def run(self, settings: Callable[[], FindingSettings]) -> None:
        """Watch for as long as the app runs. A failure of our own is shown, and it starts again."""
        while True:
            try:
                if self._recorded:
                    await self.past.play(settings, at=self._begin.at, playing=self._begin.playing)
                watch = self._watch = Watch(settings())
                await Driver(Tap(self.source, self.past.hear), watch, partial(self._take, watch)).run()
                return
            except Exception as error:  # a bug of ours must not take the screen away
                self.failure = one_line(clean(f"{type(error).__name__}: {error}"))
                self._told(self)
            await asyncio.sleep(_AGAIN_AFTER)

    def _take(self, watch: Watch) -> None:
        self.failure = ""
        self._now = watch.snapshot()
        self.past.look(watch, self._now)
        if self.past.player is None:
            self.newest = self._now
            self._told(self)

    def freeze(self) -> None:
        """Work out all of what is on the screen, which will stay while the watch goes on."""
        len(self.snapshot.statements)

    def _past_changed(self) -> None:
        self.failure = ""
        self.newest = self._now if self.past.player is None else self.past.snapshot
        self._told(self)

    def judge_anew(self, settings: FindingSettings) -> None:
        """Show the findings as the settings now want them."""
        player = self.past.player
        watch = player.watch if player is not None else self._watch
        if self._watch is not None:
            self._watch.findings.settings = settings
        if watch is not None:
            watch.findings.settings = settings
            for name in ("newest", "snapshot"):
                snapshot: Snapshot = getattr(self, name)
                found = watch.findings.current(snapshot.at)
                setattr(self, name, replace(snapshot, findings=found))
