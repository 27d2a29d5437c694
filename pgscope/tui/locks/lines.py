"""Sentences on a few lines, which take no more room than there are sentences."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from pgscope.tui.tones import cut, styled


class Lines(Static):
    """Wraps its lines, at most `most` of them; says how many sentences were left out."""

    DEFAULT_CSS = """
    Lines { height: auto; width: 100%; padding: 0 1; background: $background; color: $foreground; }
    Lines.-none { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._given: Sequence[Content] = ()
        self._most = 4
        self._drawn = Content("")

    def show_lines(self, lines: Sequence[Content], most: int) -> None:
        """Show these; none takes no room at all."""
        self._given, self._most = lines, most
        self.set_class(not lines, "-none")
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        content = fit(self._given, max(10, (self.size.width or self.app.size.width) - 2), self._most)
        if content != self._drawn or content.spans != self._drawn.spans:
            same = content.plain.count("\n") == self._drawn.plain.count("\n")
            self._drawn = content
            self.update(content, layout=not same)


def fit(sentences: Sequence[Content], width: int, most: int) -> Content:
    """The sentences wrapped; where they do not all fit, the last line counts those left out."""
    lines: list[Content] = []
    for place, sentence in enumerate(sentences):
        wrapped = sentence.wrap(width)
        last = place == len(sentences) - 1
        room = most - len(lines) - (0 if last else 1)
        if len(wrapped) > room:
            if room > 0:
                rest = Content(" ").join(wrapped[room - 1 :])
                lines += [*wrapped[: room - 1], cut(rest, width)]
            left = len(sentences) - place - (1 if room > 0 else 0)
            if left:
                lines.append(styled(f"and {left} more", "muted"))
            break
        lines += wrapped
    return Content("\n").join(lines)
