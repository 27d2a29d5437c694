"""The footer with the keys of the screen in hand; where there is no room for all, it says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from pgscope.tui.glyphs import terminal_signs

_SPACES = 3
"""Columns around a key and its word, as Textual's footer draws them."""

_SETTLED = 0.3
"""Seconds after which the keys of a new screen stand."""


class KeyLine(Footer):
    """Textual's footer, cut after a whole key, with the help last and a sign that there are more keys."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._words: dict[FooterKey, str] = {}

    def compose(self) -> ComposeResult:
        keys = list(super().compose())
        made = [key for key in keys if isinstance(key, FooterKey)]
        self._words = {key: word for key, word in self._words.items() if key.is_mounted}
        self._words |= {key: key.description for key in made}
        self._fit_keys(made)
        # The width is not always known yet, and Textual may make the keys anew meanwhile.
        self.call_after_refresh(self.fit)
        self.set_timer(_SETTLED, self.fit)
        yield from keys

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        """Leave out the keys that there is no room for."""
        self._fit_keys([key for key in self.query(FooterKey) if key in self._words])

    def _fit_keys(self, keys: Sequence[FooterKey]) -> None:
        room = self.size.width
        if not keys or not room:
            return
        more = "..." if terminal_signs().ascii_only else "…"
        fitting = self._fitting(keys, room, cell_len(more))
        for key in keys:
            word = self._words[key]
            cut = len(fitting) < len(keys) and key is fitting[-1]
            wanted = (key in fitting, word + more if cut else word)
            if (key.display, key.description) != wanted:
                key.display, key.description = wanted
                if key.is_mounted:
                    key.refresh(layout=True)

    def _fitting(self, keys: Sequence[FooterKey], room: int, more: int) -> Sequence[FooterKey]:
        if self._width(keys) <= room:
            return keys
        last = [key for key in keys if key.action.endswith("help")][:1]
        shown: list[FooterKey] = []
        for key in keys:
            if key not in last and self._width([*shown, key, *last]) + more > room:
                break
            if key not in last:
                shown.append(key)
        return [*shown, *last] or keys[:1]

    def _width(self, keys: Iterable[FooterKey]) -> int:
        return sum(cell_len(key.key_display) + cell_len(self._words[key]) + _SPACES for key in keys)
