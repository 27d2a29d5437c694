"""The findings that are ignored, to be revoked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.filter import Getters
from pgscope.analysis.snapshot import Snapshot
from pgscope.tui.frame import COPY, Frame
from pgscope.tui.table import Column, LiveTable, Row

_COLUMNS = (
    Column("note", "ignored", min_width=20, weight=1, priority=99),
    Column("fingerprint", "fingerprint", width=12, priority=90, tooltip="Its key in the configuration"),
)
_GETTERS: Getters[tuple[str, str]] = {"": lambda item: item, "query": lambda item: item[1]}


class IgnoredScreen(Frame):
    """What the configuration lists under [ignored], and what is ignored for this run."""

    HELP = (
        "Findings that are ignored. Those for good are so wherever the same statements appear: on this "
        "server, on others, and in reports; they stand under [ignored] in the configuration "
        "(`pgscope config path`), each with a note. Those for this run are forgotten when pgscope is quit. "
        "x shows one again; u takes that back."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the fingerprint of the finding"),
        Binding("x,delete", "revoke", "Show again", tooltip="Ignore it no longer", id="ignored.revoke"),
        Binding("u", "undo", "Undo", tooltip="Take the last change back", id="ignored.undo", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown = (0, 0)

    def crumbs(self) -> tuple[str, ...]:
        return ("Findings", "Ignored")

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(_COLUMNS, id="ignored")

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - what is ignored is not of the server
        notes = self.stage.ignored
        chosen = self.stage.status.filter.select(notes.items(), _GETTERS)
        self._shown = (len(chosen), len(notes))
        signs = self.stage.status.signs
        rows = [
            Row(key=key, cells=(signs.text(note), key), sort_values=(note.lower(), key))
            for key, note in chosen
        ]
        self.fill(self.query_one(LiveTable), rows, "Nothing is ignored: i on a finding does that")

    def remark(self) -> Content:
        return self.counted(self._shown)

    def copied(self) -> str:
        key = self.query_one(LiveTable).cursor_key
        return key if isinstance(key, str) else ""

    def action_revoke(self) -> None:
        """Ignore the finding under the cursor no longer."""
        key = self.query_one(LiveTable).cursor_key
        if isinstance(key, str):
            self.stage.ignore(key, None)

    def action_undo(self) -> None:
        """Take the last change back."""
        self.stage.undo_ignore()
