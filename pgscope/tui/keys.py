"""The keys that work on every screen but those that ask something. The app knows what they do."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from pgscope.tui.replay.keys import BINDINGS as PAST_KEYS
from pgscope.tui.views import FLEET, VIEWS

BINDINGS: Final = (
    *(
        Binding(
            view.key,
            f"view('{view.id}')",
            view.title,
            tooltip=view.tooltip,
            id=f"view.{view.id}",
            show=False,
        )
        for view in (FLEET, *VIEWS)
    ),
    Binding(
        "space",
        "pause",
        "Pause",
        tooltip="Freeze the screen, polls go on; in the past, play or pause",
        id="app.pause",
    ),
    Binding(
        "question_mark",
        "help",
        "Help",
        tooltip="What this view says, and its keys",
        id="app.help",
        key_display="?",
    ),
    Binding("f1", "help", "Help", tooltip="What this view says", id="app.help_f1", show=False),
    Binding("q", "quit", "Quit", tooltip="Quit without asking", id="app.quit"),
    Binding(
        "ctrl+q",
        "quit",
        "Quit",
        tooltip="Quit, also while typing and over a question",
        id="app.quit_now",
        show=False,
        priority=True,
    ),
    Binding(
        "ctrl+p",
        "command_palette",
        "Palette",
        tooltip="Find any action by its name",
        id="app.palette",
        show=False,
    ),
    Binding(
        "D",
        "doctor",
        "Doctor",
        tooltip="What of the server's set-up could be better, and what mends it",
        id="app.doctor",
        show=False,
    ),
    *PAST_KEYS,
    Binding(
        "plus",
        "interval(1)",
        "Slower",
        tooltip="Poll less often; in the past, play faster",
        id="app.slower",
        show=False,
    ),
    Binding(
        "minus",
        "interval(-1)",
        "Faster",
        tooltip="Poll more often; in the past, play slower",
        id="app.faster",
        show=False,
    ),
    Binding(
        "ctrl+z",
        "suspend_process",
        "Suspend",
        tooltip="Back to the shell; fg comes back",
        id="app.suspend",
        show=False,
    ),
)
