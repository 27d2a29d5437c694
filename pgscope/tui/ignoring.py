"""The findings that someone ignores for good: in force at once, kept in the configuration, to be undone."""

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
        self._before: list[tuple[str, str | None]] = []
        self._writing = asyncio.Lock()

    @property
    def notes(self) -> Mapping[str, str]:
        """What is ignored, the latest last."""
        return self._notes

    @property
    def settings(self) -> FindingSettings:
        """What the analysis goes by now."""
        return replace(self._config.findings, ignored=frozenset(self._notes))

    def change(self, fingerprint: str, note: str | None) -> None:
        """Ignore a finding, with a note; with None, no longer."""
        self._before.append((fingerprint, self._notes.get(fingerprint)))
        self._set(fingerprint, note)

    def undo(self) -> tuple[str, str | None] | None:
        """Take the last change back; what it amounts to, None if there is none."""
        if not self._before:
            return None
        fingerprint, note = self._before.pop()
        self._set(fingerprint, note)
        return fingerprint, note

    def _set(self, fingerprint: str, note: str | None) -> None:
        self._notes.pop(fingerprint, None)
        if note is not None:
            self._notes[fingerprint] = note

    async def keep(self, fingerprint: str) -> None:
        """Bring the file up to what holds now for one finding. Raises ConfigError."""
        async with self._writing:
            await asyncio.to_thread(keep_ignored, fingerprint, self._notes.get(fingerprint))
