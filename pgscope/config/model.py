"""The settings, with what holds where nothing is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pgscope.analysis.findings import FindingSettings, Thresholds
from pgscope.config.columns import ColumnChoice
from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Config:
    """Everything that the file may set; an option on the command line beats it."""

    interval: float = 1.0
    """Seconds between polls."""
    sample_hz: float = 10.0
    """Looks of the sampler each second; 0: none."""
    budget: float = 1.0
    """What pgscope may cost the server, in percent of one core."""
    theme: str = ""
    """A theme of Textual's; '' for one that fits the terminal."""
    filter: str = ""
    """The filter at the start."""
    redact: bool = False
    """Whether constants of statements are taken out of recordings."""
    kinds_off: tuple[str, ...] = ()
    """Kinds of findings never shown."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys (with commas) by the id of a binding."""
    columns: Mapping[str, tuple[ColumnChoice, ...]] = field(default_factory=dict)
    """The columns of a table, by the table's name; those not named are hidden."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    by_application: Mapping[str, Thresholds] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Notes by the fingerprint of a finding."""
    connections: Mapping[str, str] = field(default_factory=dict)
    """CONNINFO without a password, by name."""

    @property
    def findings(self) -> FindingSettings:
        """What of it the analysis of findings goes by."""
        return FindingSettings(
            ignored=frozenset(self.ignored),
            kinds_off=frozenset(self.kinds_off),
            thresholds=self.thresholds,
            by_application=self.by_application,
        )
