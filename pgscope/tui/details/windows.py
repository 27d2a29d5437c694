"""The plot of a finding: child calls against parent rows, a point for each window."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from pgscope.analysis.findings import Finding
from pgscope.analysis.findings.plot import fitted_line
from pgscope.tui.glyphs import Signs
from pgscope.tui.scatter import scatter
from pgscope.tui.tones import styled

_HEIGHT = 10
_MOST_WIDTH = 60


class WindowPlot(Static):
    """Not there for a finding without points."""

    DEFAULT_CSS = """
    WindowPlot { height: auto; width: 100%; margin-top: 1; }
    """

    def __init__(self, signs: Signs) -> None:
        super().__init__("", markup=False)
        self._signs = signs
        self._finding: Finding | None = None
        self._drawn = ""

    def show_finding(self, finding: Finding) -> None:
        """Plot a finding's windows."""
        self._finding = finding
        self.display = bool(finding.points)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        finding = self._finding
        if finding is None or not finding.points:
            return
        width = min(_MOST_WIDTH, max(10, (self.content_size.width or self.app.size.width - 3)))
        line = fitted_line(finding)
        lines = scatter(
            [x for x, _ in finding.points],
            [y for _, y in finding.points],
            width,
            _HEIGHT,
            x_label="parent rows in a window",
            y_label="child calls",
            line=line,
            ascii_only=self._signs.ascii_only,
        )
        if line is not None:
            dots = "'" if self._signs.ascii_only else "·"
            lines.append(f"{dots} slope {line[0]:.2f} calls a row, {len(finding.points)} windows")
        text = "\n".join(lines)
        if text != self._drawn:
            same = text.count("\n") == self._drawn.count("\n")
            self._drawn = text
            self.update(styled(text, "accent") if text else Content(""), layout=not same)
