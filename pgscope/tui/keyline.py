"""The footer with the keys of the screen in hand; where there is no room for all, it says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from pgscope.tui.glyphs import terminal_signs

_SPACES = 3
"""Columns around a key and its word, as Textual's footer draws them."""


class KeyLine(Footer):
    """Textual's footer, cut after a whole key, with the help last and a sign that there are more keys."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._room = 0
        self._shown: Sequence[tuple[str, str, bool]] | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Make the keys anew if they are others: behind a question new ones would not be laid out."""
        if self._shown is None or self._shown != self._wanted():
            super().bindings_changed(screen)

    def _wanted(self) -> Sequence[tuple[str, str, bool]]:
        active = self.screen.active_bindings.values()
        return [
            (one.binding.key, self._word(one.binding.action) or one.binding.description, one.enabled)
            for one in active
            if one.binding.show
        ]

    def _word(self, action: str) -> str | None:
        """What the screen calls an action that has more than one meaning."""
        word = getattr(self.screen, "key_word", None)
        return None if word is None else cast("str | None", word(action))

    def compose(self) -> ComposeResult:
        # Before it has been laid out it is taken to be as wide as the screen; a resize tells if it is not.
        self._room = self.size.width or self.app.size.width
        keys = list(super().compose())
        self._shown = self._wanted() if keys else None
        for key in keys:
            if isinstance(key, FooterKey) and (word := self._word(key.action)):
                key.description = word
        fitting = self._fitting([key for key in keys if isinstance(key, FooterKey)])
        yield from (key for key in keys if key in fitting or not isinstance(key, FooterKey))

    async def on_resize(self, event: Resize) -> None:
        """Choose the keys anew for another width."""
        if event.size.width != self._room:
            await self.recompose()

    def _fitting(self, keys: Sequence[FooterKey]) -> Sequence[FooterKey]:
        """The keys that there is room for, the last with a sign if they are not all."""
        if _width(keys) <= self._room:
            return keys
        more = "..." if terminal_signs().ascii_only else "…"
        last = [key for key in keys if key.action.endswith("help")][:1]
        shown: list[FooterKey] = []
        for key in keys:
            if key not in last and _width([*shown, key, *last]) + cell_len(more) > self._room:
                break
            if key not in last:
                shown.append(key)
        fitting = [*shown, *last] or [*keys[:1]]
        fitting[-1].description += more
        return fitting


def _width(keys: Iterable[FooterKey]) -> int:
    return sum(cell_len(key.key_display) + cell_len(key.description) + _SPACES for key in keys)
