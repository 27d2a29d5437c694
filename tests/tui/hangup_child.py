"""A Textual program with a live table, as `test_hangup` runs it in a terminal of its own.

usage: hangup_child.py NOTE_FILE   writes `ready` to the file once painted, `last chance` when it is hung up.
"""

from __future__ import annotations

import sys
from pathlib import Path

from textual.app import App, ComposeResult

from pgscope.tui.hangup import watch_hangup
from pgscope.tui.table import Column, LiveTable, Row


class Child(App[None]):
    """Repaints ten times a second, so that its writer thread meets the dead terminal."""

    def __init__(self, note: Path) -> None:
        super().__init__()
        self.note = note
        self.turn = 0

    def compose(self) -> ComposeResult:
        yield LiveTable([Column("n", "n")])

    def on_mount(self) -> None:
        self.set_interval(0.1, self.turn_over)

    def turn_over(self) -> None:
        self.turn += 1
        self.query_one(LiveTable).set_rows([Row(n, (str(n * self.turn),)) for n in range(50)])
        if self.turn == 3:
            self.note.write_text("ready")


if __name__ == "__main__":
    note = Path(sys.argv[1])

    def last_chance() -> None:
        note.write_text("last chance")

    watch_hangup(last_chance)
    Child(note).run()
