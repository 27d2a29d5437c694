"""What a screen may ask of the app it stands in, so that no screen needs to know the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from pgscope.analysis.filter import EVERYTHING, Filter
from pgscope.analysis.snapshot import Snapshot
from pgscope.config import ColumnChoice
from pgscope.dataclass import dataclass
from pgscope.tui.glyphs import Signs, terminal_signs

if TYPE_CHECKING:
    from pgscope.playback import Playing
    from pgscope.tui.acting.hands import Hands
    from pgscope.tui.plans.planner import Planner
    from pgscope.tui.table import LiveTable


@dataclass(frozen=True)
class Status:
    """How things are shown, as against what: the same for every screen, replaced whole when it changes."""

    interval: float = 1.0
    """Seconds between polls."""
    title: str = ""
    read_only: bool = False
    paused: bool = False
    others_down: int = 0
    """How many of the other servers cannot be reached, where several are watched."""
    past: Playing | None = None
    """Where in the past one is; None while the present is shown."""
    replay: bool = False
    """Whether that is a recording, and there is no present and no server."""
    recording: str = ""
    """How what is seen is being recorded, in a few words; '' if it is not."""
    failure: str = ""
    """Why pgscope itself stopped watching; '' while it does."""
    filter: Filter = EVERYTHING
    filter_error: str = ""
    idle: bool = True
    own: bool = False
    background: bool = False
    """Whether idle sessions, pgscope's own and background processes are shown."""
    signs: Signs = field(default_factory=terminal_signs)


class Stage(Protocol):
    """The app, as a screen sees it."""

    @property
    def snapshot(self) -> Snapshot:
        """What is on the screen now; a paused one stays."""

    @property
    def status(self) -> Status:
        """How it is shown."""

    @property
    def tabs(self) -> Sequence[tuple[str, str, str]]:
        """The views as (id, key, title)."""

    @property
    def hands(self) -> Hands:
        """What cancels and terminates."""

    @property
    def planner(self) -> Planner:
        """What explains."""

    @property
    def said(self) -> Sequence[str]:
        """What was said lately, the newest last."""

    def say_unsaid(self) -> None:
        """Say what a question kept from being said."""

    def set_filter(self, text: str) -> None:
        """Take a filter as typed; one that does not parse leaves the one before and says why."""

    def toggle(self, name: str) -> None:
        """Turn `idle`, `own` or `background` round."""

    @property
    def ignored(self) -> Mapping[str, str]:
        """Notes on the findings ignored for good, by fingerprint."""

    def ignore(self, fingerprint: str, note: str | None, *, for_good: bool = True) -> None:
        """Ignore a finding, for good or for this run, with a note on it; with None, no longer."""

    def undo_ignore(self) -> None:
        """Take the last change of what is ignored back."""

    @property
    def columns(self) -> Mapping[str, Sequence[ColumnChoice]]:
        """The columns chosen, by the name of the table."""

    def choose_columns(self, table: LiveTable) -> None:
        """Let someone choose the columns of a table."""

    def copy_text(self, text: str) -> None:
        """Send to the terminal's clipboard, and say what."""
