"""Facts as `label value` pairs that flow over as many lines as they need. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content

from pgscope.tui.table import Tone
from pgscope.tui.tones import styled


class Fact(NamedTuple):
    """Something to know: a short label and its value. `width` keeps room for it, so that others stay put."""

    label: str
    value: str
    tone: Tone = "normal"
    width: int = 0
    priority: int = 0
    """What is left out first where there is one line only: the lowest."""

    @property
    def cells(self) -> int:
        """How wide it is on the screen."""
        gap = 1 if self.label and (self.value or self.width) else 0
        return cell_len(self.label) + gap + max(cell_len(self.value), self.width)

    def runs(self) -> list[tuple[str, Tone]]:
        """The label, muted, and the value at the right of its room."""
        pad = " " * max(0, self.width - cell_len(self.value))
        value = (pad + self.value, self.tone)
        if not self.label:
            return [value]
        label_tone: Tone = "muted" if self.tone in ("normal", "muted") else self.tone
        return [(self.label + " ", label_tone), value]

    def content(self) -> Content:
        """The same as text."""
        return Content.assemble(*(styled(text, tone) for text, tone in self.runs()))


class Hanging(NamedTuple):
    """A label in a column of its own, and text that wraps beside it."""

    label: str
    text: str
    label_width: int = 12

    def content(self, width: int) -> Content:
        """As many lines as the text needs; under the label where there is little room beside it."""
        beside = width - self.label_width - 3
        if beside < _LEAST_BESIDE:
            return Content.assemble(styled(f" {self.label}: ", "accent"), Content(self.text))
        head = styled(f" {self.label:<{self.label_width}}  ", "accent")
        indent = Content(" " * (self.label_width + 3))
        lines = Content(self.text).wrap(beside) or [Content("")]
        return Content("\n").join([head + lines[0], *(indent + line for line in lines[1:])])


GAP = 2
_LEAST_BESIDE = 24


def fitting(facts: Iterable[Fact], width: int) -> list[Fact]:
    """As many facts as fit on a line, in their order; the first to go are those of the lowest priority."""
    kept = list(facts)
    cells = [fact.cells for fact in kept]
    while len(kept) > 1 and sum(cells) + GAP * (len(kept) - 1) > width:
        lowest = min(range(len(kept)), key=lambda n: (kept[n].priority, -n))
        del kept[lowest], cells[lowest]
    return kept


def runs(facts: Iterable[Fact], width: int) -> list[tuple[str, str]]:
    """The facts that fit on a line, as runs of text with their tones."""
    found: list[tuple[str, str]] = []
    for fact in fitting(facts, width):
        found += [(" " * GAP, "normal"), *fact.runs()] if found else fact.runs()
    return found


def one_line(facts: Iterable[Fact], width: int) -> Content:
    """The facts that fit on a line, as text."""
    return Content(" " * GAP).join([fact.content() for fact in fitting(facts, width)])


def flow(facts: Iterable[Fact], width: int) -> Content:
    """All facts, over as many lines as they need; a value that is wider than a line wraps."""
    lines: list[list[Content]] = [[]]
    used = 0
    for fact in facts:
        need = fact.cells + (GAP if lines[-1] else 0)
        if lines[-1] and used + need > width:
            lines.append([])
            used, need = 0, fact.cells
        lines[-1].append(fact.content())
        used += need
    return Content("\n").join([Content(" " * GAP).join(line) for line in lines])
