"""The past of one server on the screen: a recording, or the last minutes; and recording what is seen."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual.app import App
from textual.worker import Worker

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.marks import Marks
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.watch import Watch
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.recording.ring import Ring, save
from pgscope.errors import PgscopeError
from pgscope.playback import Player, Playing
from pgscope.sample import Sample
from pgscope.tui.replay.jump import JumpScreen

RECORDING = "this is a recording: what it shows is over"
LAST_MINUTES = "this is the past: L goes back to what happens now"
_IN_PAST = frozenset({"step", "finding", "wait", "jump"})
_LIVE_ONLY = frozenset({"record", "save"})


class Past:
    """Plays, keeps and records. `changed` is called when there is another picture of the past to show."""

    def __init__(
        self, app: App[None], name: str, recording: Recording | None, changed: Callable[[], None]
    ) -> None:
        """With a recording it is all there is; without one, the past is the last minutes of what is heard."""
        self._app = app
        self._name = name
        self._recording = recording
        self._changed = changed
        self._ring = Ring() if recording is None else None
        self._marks = Marks()
        self._worker: Worker[None] | None = None
        self._file: RecordingFile | None = None
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
    def recording_to(self) -> str:
        """The file that is recorded to; '' if none is."""
        return str(self._file.path) if self._file is not None else ""

    @property
    def snapshot(self) -> Snapshot:
        """The picture of the past."""
        assert self.player is not None
        picture = self.player.snapshot
        damage = self.player.recording.damage
        return replace(picture, notices=(damage, *picture.notices)) if damage else picture

    # --- what goes on

    def hear(self, sample: Sample) -> None:
        """Keep a sample of the present, and record it if that is wished."""
        if self._ring is not None:
            self._ring.write(sample)
        if self._file is not None:
            self._file.write(sample)

    def look(self, watch: Watch, snapshot: Snapshot) -> None:
        """Mark what the present found."""
        for mark in self._marks.feed(snapshot.at, snapshot.findings, watch.locks.starts()):
            if self._ring is not None:
                self._ring.mark(mark)
            if self._file is not None:
                self._file.mark(mark)

    async def play(self, settings: Callable[[], FindingSettings], *, at: float | None, playing: bool) -> None:
        """Play the recording that this is of, until cancelled."""
        assert self._recording is not None
        self.player = Player(self._recording, self._name, settings, self._told, at=at, playing=playing)
        await self.player.run()

    def _told(self) -> None:
        player = self.player
        if player is not None and player.said:
            self._say(player.said.capitalize())
            player.said = ""
        self._changed()

    def close(self) -> None:
        """Write the end of a recording."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- what a person asks for

    def offers(self, what: str) -> bool:
        """Whether a key of the past does something now."""
        if what == "now":
            return self.player is not None and self._recording is None
        if what in _IN_PAST:
            return self.player is not None
        return self._recording is None if what in _LIVE_ONLY else True

    def act(self, what: str, amount: float, settings: Callable[[], FindingSettings]) -> None:
        """Do what a key of the past asks for."""
        if what == "record":
            self._toggle_recording()
        elif what == "save":
            self._app.run_worker(self._save(), group="save-past", exit_on_error=False)
        elif what == "now":
            self._leave()
        elif self.player is None:
            if what == "move" and amount < 0:
                self._enter(amount, settings)
        elif what == "move":
            self.player.move(amount)
        elif what == "step":
            self.player.step(int(amount))
        elif what == "jump":
            self._app.push_screen(JumpScreen(self.player.state), self._jump)
        else:
            self.player.to_mark("finding" if what == "finding" else "lock wait", int(amount))

    def _jump(self, at: float | None) -> None:
        if at is not None and self.player is not None:
            self.player.seek(at)

    def _enter(self, seconds: float, settings: Callable[[], FindingSettings]) -> None:
        recording = self._ring.recording() if self._ring is not None else None
        if recording is None or not recording.start:
            self._say("Nothing is behind this yet")
            return
        at = max(recording.end + seconds, recording.start)
        player = self.player = Player(
            recording, "the last minutes", settings, self._told, at=at, playing=False
        )
        self._worker = self._app.run_worker(player.run(), group="past", exit_on_error=False)

    def _leave(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        self._worker = self.player = None
        self._changed()

    def _toggle_recording(self) -> None:
        if self._file is not None:
            path, size = self._file.path, self._file.size
            self.close()
            self._say(f"Recorded {size:,} bytes to {path}", 15)
        else:
            try:
                path = self._new_path()
                self._file = RecordingFile(path, trouble=lambda reason: self._say(reason, 20))
                self._take_over(self._file)
            except (PgscopeError, OSError) as error:
                self._say(f"Not recording: {error}", 20)
                return
            self._say(f"Recording to {path}; the same key stops it", 10)
        self._changed()

    def _take_over(self, file: RecordingFile) -> None:
        """Begin with what holds: the last poll of the ring, and before it server, names and texts."""
        recording = self._ring.recording() if self._ring is not None else None
        if recording is not None and recording.start:
            for sample in recording.samples(recording.end - 0.001):
                file.write(sample)

    async def _save(self) -> None:
        recording = self._ring.recording() if self._ring is not None else None
        if recording is None:
            self._say("Nothing is behind this yet")
            return
        try:
            path = self._new_path()
            size = await asyncio.to_thread(save, recording, path)
        except (PgscopeError, OSError) as error:
            self._say(f"Not saved: {error}", 20)
            return
        minutes = (recording.end - recording.start) / 60.0
        self._say(f"Saved the last {minutes:.1f} minutes, {size:,} bytes, to {path}", 15)

    def _new_path(self) -> Path:
        """A file of its own in the user's state folder. Raises OSError."""
        from platformdirs import user_state_path

        folder = user_state_path("pgscope") / "recordings"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", self._name).strip("-.")[:40] or "server"
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"{name}-{stamp}.pgscope"
        number = 1
        while path.exists():
            number += 1
            path = folder / f"{name}-{stamp}-{number}.pgscope"
        return path

    def _say(self, message: str, seconds: float = 5) -> None:
        self._app.notify(message, timeout=seconds, markup=False)
