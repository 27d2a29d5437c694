"""The findings that someone ignores: in force at once, and kept if for good; it can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from pgscope.analysis.findings import FindingSettings
from pgscope.config import Config, keep_ignored


class Ignoring:
    """Notes on ignored findings by fingerprint, as the file has them and as they were changed since."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._notes = dict(config.ignored)
        self._this_run: set[str] = set()
        self._before: list[tuple[str, str | None, bool]] = []
        self._writing = asyncio.Lock()

    @property
    def notes(self) -> Mapping[str, str]:
        """What is ignored, the latest last."""
        passing = self._this_run
        return {key: f"{note} (this run)" if key in passing else note for key, note in self._notes.items()}

    @property
    def settings(self) -> FindingSettings:
        """What the analysis goes by now."""
        return replace(self._config.findings, ignored=frozenset(self._notes))

    def change(self, fingerprint: str, note: str | None, *, for_good: bool = True) -> None:
        """Ignore a finding, for good or for this run, with a note; with None, no longer."""
        kept = fingerprint not in self._this_run
        self._before.append((fingerprint, self._notes.get(fingerprint), kept))
        self._set(fingerprint, note, for_good)

    def undo(self) -> tuple[str, str | None] | None:
        """Take the last change back; what it amounts to, None if there is none."""
        if not self._before:
            return None
        fingerprint, note, for_good = self._before.pop()
        self._set(fingerprint, note, for_good)
        return fingerprint, note

    def _set(self, fingerprint: str, note: str | None, for_good: bool) -> None:
        self._notes.pop(fingerprint, None)
        self._this_run.discard(fingerprint)
        if note is not None:
            if not for_good:
                self._this_run.add(fingerprint)
            self._notes[fingerprint] = note

    async def keep(self, fingerprint: str) -> None:
        """Bring the file up to what holds now for one finding. Raises ConfigError."""
        async with self._writing:
            note = None if fingerprint in self._this_run else self._notes.get(fingerprint)
            await asyncio.to_thread(keep_ignored, fingerprint, note)
