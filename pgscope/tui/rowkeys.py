"""A key aimed at a row takes the row that was on the screen when it was pressed, whatever polls bring."""

from __future__ import annotations

from typing import Any, Final

from textual.app import App

from pgscope.tui.table import LiveTable

_OF_TABLES: Final = {"cursor", "page", "end", "open", "toggle_mark"}
_OF_SESSIONS: Final = {"act", "act_root", "act_behind", "mark", "root"}
_OF_OTHERS: Final = {"explain", "analyze", "copy", "ignore", "revoke", "compare"}
_AIMED: Final = _OF_TABLES | _OF_SESSIONS | _OF_OTHERS
"""Actions that are about the row under the cursor, or begin from it."""


def hold_row(app: App[Any], key: str) -> None:
    """Keep the cursor of the table in hand on its row if the key moves it or acts on it.

    To be called when the key comes in: it may have to wait for what the key before it does.
    """
    table = app.screen.focused
    if not isinstance(table, LiveTable):
        return
    for node, bindings in app.screen._binding_chain:
        if node is app:
            return
        if found := bindings.key_to_bindings.get(key):
            if found[0].action.split("(")[0] in _AIMED:
                table.hold()
            return
