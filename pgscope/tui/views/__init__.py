"""The views that number keys open, in a table.

To add one: write a module with a subclass of `pgscope.tui.frame.Frame` and a line in `VIEWS`. The subclass

- yields its widgets from `compose_body` (usually one `LiveTable`; the first one gets the focus);
- brings them up to date in `show(snapshot)`: pure work on a frozen snapshot, no I/O, no clock;
- applies `self.stage.status.filter` with getters for its rows (`pgscope.analysis.filter`), and says in
  `remark` how many are left (`self.counted`);
- says in `HELP` what it shows, and gives every binding an id, a description and a tooltip: help, footer and
  palette are made from them;
- returns from `copied` what `y` copies, and pushes a screen of `pgscope.tui.details` when a row is opened.

A screen that one drills to is also a `Frame`; it returns its way from `crumbs`, and Escape leaves it.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from pgscope.tui.frame import Frame


class View(NamedTuple):
    """A view: its id (for bindings and settings), key, title in the tab line, tooltip, and screen's name.

    The id is also the name of the module here that has the screen.
    """

    id: str
    key: str
    title: str
    tooltip: str
    screen_name: str = ""

    @property
    def screen(self) -> type[Frame]:
        """Its screen, imported when it is first asked for: the first one is there sooner."""
        if not self.screen_name:
            return Frame
        found: type[Frame] = getattr(import_module(f"{__name__}.{self.id}"), self.screen_name)
        return found


FLEET = View("fleet", "0", "Fleet", "All servers, and what was found on any of them")
"""There only where several servers are watched; the app makes its screen."""

VIEWS: tuple[View, ...] = (
    View("applications", "1", "Applications", "Everything by application", "ApplicationsView"),
    View("sessions", "2", "Sessions", "Every session", "SessionsView"),
    View("statements", "3", "Statements", "Every statement", "StatementsView"),
    View("locks", "4", "Locks", "Who waits for whom", "LocksView"),
    View("findings", "5", "Findings", "N+1 and other things to mend, worst first", "FindingsView"),
    View("plans", "6", "Plans", "Plans that were kept, to read and compare", "PlansView"),
)
