"""Widgets that keep the lines they drew.

When anything changes, Textual asks all widgets between the highest and the lowest change for their lines, and
goes through the styles of each. Most of them have nothing new to say.
"""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pgscope.tui.strips import passing


class KeptLines(Widget):
    """Draws its lines anew only after a `refresh`, a change of its styles or another size."""

    _kept: tuple[Region, list[Strip]] | None = None

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> KeptLines:
        """Forget the lines; then as Textual does."""
        self._kept = None
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    def notify_style_update(self) -> None:
        """Forget the lines; then as Textual does."""
        self._kept = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in `crop`: those of the last time if nothing changed since."""
        if self._kept is None or self._kept[0] != crop:
            self._kept = (crop, [passing(strip) for strip in self.draw_lines(crop)])
        return self._kept[1]

    def draw_lines(self, crop: Region) -> list[Strip]:
        """The lines in `crop` as they are now; by default as Textual draws them."""
        return super().render_lines(crop)
