"""The past of one server on the screen: a recording, or the last minutes; and recording what is seen."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.worker import Worker

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.marks import Marks
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.watch import Watch
from pgscope.errors import PgscopeError
from pgscope.sample import Poll, Sample

# What writes and plays recordings is imported when there is something to write or to play.
if TYPE_CHECKING:
    from pgscope.capture.recording.file import RecordingFile
    from pgscope.capture.recording.recording import Recording
    from pgscope.capture.recording.ring import Ring
    from pgscope.capture.recording.scribe import Scribe
    from pgscope.playback import Player, Playing

RECORDING = "this is a recording: what it shows is over"
LAST_MINUTES = "this is the past: L goes back to what happens now"
_LIVE_ONLY = frozenset({"record", "save", "now"})
_END_AT_MOST = 5.0
"""Seconds that the end of a recording may take to be written when the screen is left."""

_UNWRITTEN = 10.0
"""Seconds of what is heard first that are kept unwritten at the most."""


class Past:
    """Plays, keeps and records. `changed` is called when there is another picture of the past to show."""

    def __init__(
        self,
        app: App[None],
        name: Callable[[], str],
        recording: Recording | None,
        changed: Callable[[], None],
        *,
        redact: bool = False,
    ) -> None:
        """With a recording it is all there is; without one, the past is the last minutes of what is heard.

        With `redact` no constant of a statement gets into a file.
        """
        self._app = app
        self._name = name
        self._recording = recording
        self._changed = changed
        self._lasting: Ring | None = None
        self._first: list[Sample] = []
        self._marks = Marks()
        self._worker: Worker[None] | None = None
        self._redact = redact
        self._scribe: Scribe | None = None
        self._ending: list[Scribe] = []
        self.player: Player | None = None

    @property
    def refusal(self) -> str:
        """Why nothing can be done to what is shown; '' while the present is."""
        if self.player is None:
            return ""
        return RECORDING if self._recording is not None else LAST_MINUTES

    @property
    def state(self) -> Playing | None:
        """Where in the past one is; None in the present."""
        return self.player.state if self.player is not None else None

    @property
    def recording(self) -> str:
        """How what is seen is being recorded, in a few words; '' if it is not."""
        if self._scribe is None:
            return ""
        return " ".join(filter(None, ("REC", "redacted" if self._redact else "", self._scribe.trouble)))

    @property
    def snapshot(self) -> Snapshot:
        """The picture of the past."""
        assert self.player is not None
        picture = self.player.snapshot
        damage = self.player.recording.damage
        return replace(picture, notices=(damage, *picture.notices)) if damage else picture

    @property
    def _ring(self) -> Ring | None:
        """The last minutes; None of a recording."""
        if self._lasting is None and self._recording is None:
            from pgscope.capture.recording.ring import Ring

            self._lasting = Ring()
            for sample in self._first:
                self._lasting.write(sample)
            self._first.clear()
        return self._lasting

    # --- what goes on

    def hear(self, sample: Sample) -> None:
        """Keep a sample of the present, and record it if that is wished."""
        if self._waits(sample):
            self._first.append(sample)
        elif self._ring is not None:
            self._ring.write(sample)
        if self._scribe is not None:
            self._scribe.write(sample)

    def _waits(self, sample: Sample) -> bool:
        """Whether it is kept as it is: until the second poll, so that the screen has the first one sooner."""
        if self._lasting is not None or self._recording is not None:
            return False
        if self._first and sample.mono - self._first[0].mono > _UNWRITTEN:
            return False
        return not isinstance(sample, Poll) or not any(isinstance(one, Poll) for one in self._first)

    def look(self, watch: Watch, snapshot: Snapshot) -> None:
        """Mark what the present found."""
        for mark in self._marks.feed(snapshot.at, snapshot.findings, watch.locks.starts()):
            if self._ring is not None:
                self._ring.mark(mark)
            if self._scribe is not None:
                self._scribe.mark(mark)

    async def play(self, settings: Callable[[], FindingSettings], *, at: float | None, playing: bool) -> None:
        """Play the recording that this is of, until cancelled."""
        from pgscope.playback import Player

        assert self._recording is not None
        self.player = Player(self._recording, self._name(), settings, self._told, at=at, playing=playing)
        await self.player.run()

    def _told(self) -> None:
        player = self.player
        if player is not None and player.said:
            self._say(player.said[:1].upper() + player.said[1:])
            player.said = ""
        self._changed()

    def close(self) -> None:
        """Write the end of a recording, if the disk takes it in time."""
        self._stop()
        until = time.monotonic() + _END_AT_MOST
        for scribe in self._ending:
            scribe.join(max(until - time.monotonic(), 0.0))

    # --- what a person asks for

    def leave(self) -> None:
        """Back to the present, where there is one."""
        if self.player is not None and self._recording is None:
            self._leave()

    def act(self, what: str, amount: float, settings: Callable[[], FindingSettings]) -> None:
        """Do what a key of the past asks for, or say why not."""
        if what in _LIVE_ONLY and self._recording is not None:
            self._say(RECORDING[:1].upper() + RECORDING[1:])
        elif what == "record":
            self._toggle_recording()
        elif what == "save":
            self._app.run_worker(self._save(), group="save-past", exit_on_error=False)
        elif self.player is not None:
            if what == "now":
                self._leave()
            else:
                self._move(self.player, what, amount)
        elif what == "now" or amount > 0:
            self._say("This is now: [ goes back into the last minutes")
        elif (player := self._enter(settings)) is not None:
            self._move(player, what, amount, entered=True)

    def _move(self, player: Player, what: str, amount: float, *, entered: bool = False) -> None:
        """Move; who only entered for that leaves if there is nothing to move to."""
        if what == "move":
            player.move(amount)
        elif what == "step":
            player.step(int(amount))
        elif what == "jump":
            from pgscope.tui.replay.jump import JumpScreen

            self._app.push_screen(JumpScreen(player.state), partial(self._jump, entered))
        elif not player.to_mark("finding" if what == "finding" else "lock wait", int(amount)) and entered:
            self._leave()

    def _jump(self, entered: bool, at: float | None) -> None:
        if at is not None and self.player is not None:
            self.player.seek(at)
        elif entered:
            self._leave()

    def _enter(self, settings: Callable[[], FindingSettings]) -> Player | None:
        """Stand at the end of the last minutes; None if there are none."""
        recording = self._ring.recording() if self._ring is not None else None
        if recording is None or not recording.start:
            self._say("Nothing is behind this yet")
            return None
        from pgscope.playback import Player

        end = recording.end
        player = self.player = Player(
            recording, "the last minutes", settings, self._told, at=end, playing=False
        )
        self._worker = self._app.run_worker(player.run, group="past", exit_on_error=False)
        return player

    def _leave(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        self._worker = self.player = None
        self._changed()

    def _toggle_recording(self) -> None:
        if self._scribe is not None:
            self._stop()
        else:
            from pgscope.capture.recording.ring import newest
            from pgscope.capture.recording.scribe import Scribe

            held = self._ring.held() if self._ring is not None else None
            loop = asyncio.get_running_loop()

            def say(message: str) -> None:
                with contextlib.suppress(RuntimeError):  # the screen is gone
                    loop.call_soon_threadsafe(self._said, message)

            def ended(message: str) -> None:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._ended, scribe, message)

            scribe = self._scribe = Scribe(self._open, lambda: newest(held), say, ended)
        self._changed()

    def _open(self, trouble: Callable[[str], None]) -> RecordingFile:
        from pgscope.capture.recording.file import RecordingFile

        file = RecordingFile(self._new_path(), redact=self._redact, trouble=trouble)
        constants = " without constants of statements" if self._redact else ""
        trouble(f"Recording{constants} to {file.path}; the same key stops it")
        return file

    def _stop(self) -> None:
        if self._scribe is not None:
            self._scribe.stop()
            self._ending.append(self._scribe)
            self._scribe = None

    def _said(self, message: str) -> None:
        self._say(message[:1].upper() + message[1:])
        self._changed()

    def _ended(self, scribe: Scribe, message: str) -> None:
        if scribe is self._scribe:
            self._scribe = None
        elif scribe in self._ending:
            self._ending.remove(scribe)
        self._said(message)

    async def _save(self) -> None:
        recording = self._ring.recording() if self._ring is not None else None
        if recording is None:
            self._say("Nothing is behind this yet")
            return
        from pgscope.capture.recording.ring import save

        try:
            path = self._new_path()
            size = await asyncio.to_thread(partial(save, redact=self._redact), recording, path)
        except (PgscopeError, OSError) as error:
            self._say(f"Not saved: {error}")
            return
        minutes = (recording.end - recording.start) / 60.0
        constants = " without constants of statements" if self._redact else ""
        self._say(f"Saved the last {minutes:.1f} minutes{constants}, {size:,} bytes, to {path}")

    def _new_path(self) -> Path:
        """A file of its own in the user's state folder. Raises OSError."""
        from platformdirs import user_state_path

        folder = user_state_path("pgscope") / "recordings"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", self._name()).strip("-.")[:40] or "server"
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"{name}-{stamp}.pgscope"
        number = 1
        while path.exists():
            number += 1
            path = folder / f"{name}-{stamp}-{number}.pgscope"
        return path

    def _say(self, message: str) -> None:
        self._app.notify(message)
